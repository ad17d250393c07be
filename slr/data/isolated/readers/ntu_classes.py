"""The actions of NTU RGB+D 120 (Liu et al., TPAMI 2020), A001 first; the first 60 are those of NTU RGB+D."""

ACTIONS = (
    "drink water", "eat meal or snack", "brush teeth", "brush hair", "drop", "pick up", "throw", "sit down", "stand up",
    "clap", "read", "write", "tear up paper", "put on jacket", "take off jacket", "put on a shoe", "take off a shoe",
    "put on glasses", "take off glasses", "put on a hat or cap", "take off a hat or cap", "cheer up", "wave hand",
    "kick something", "reach into pocket", "hop", "jump up", "phone call", "play with phone or tablet",
    "type on a keyboard", "point to something", "take a selfie", "check time", "rub two hands", "nod head or bow",
    "shake head", "wipe face", "salute", "put palms together", "cross hands in front", "sneeze or cough", "stagger",
    "fall down", "headache", "chest pain", "back pain", "neck pain", "nausea or vomiting", "fan self",
    "punch or slap", "kick somebody", "push somebody", "pat on back", "point finger at somebody", "hug",
    "give object", "touch pocket", "shake hands", "walk towards", "walk apart", "put on headphone",
    "take off headphone", "shoot a basket", "bounce a ball", "swing a tennis bat", "juggle table tennis balls", "hush",
    "flick hair", "thumb up", "thumb down", "make OK sign", "make victory sign", "staple book", "count money",
    "cut nails", "cut paper", "snap fingers", "open bottle", "sniff", "squat down", "toss a coin", "fold paper",
    "ball up paper", "play magic cube", "apply cream on face", "apply cream on hand", "put on bag", "take off bag",
    "put object into bag", "take object out of bag", "open a box", "move heavy objects", "shake fist", "throw up cap",
    "hands up", "cross arms", "arm circles", "arm swings", "run on the spot", "butt kicks", "cross toe touch",
    "side kick", "yawn", "stretch oneself", "blow nose", "hit with object", "wield knife", "knock over", "grab stuff",
    "shoot with gun", "step on foot", "high-five", "cheers and drink", "carry object", "take a photo", "follow",
    "whisper", "exchange things", "support somebody", "rock paper scissors",
)  # fmt: skip
