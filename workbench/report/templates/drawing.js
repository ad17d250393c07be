"use strict";
/* Skeletons and heat maps on canvases, in the colours of the page. */

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

/* A custom property as a colour: a canvas does not know which of light and dark is meant. */
function colour(name) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

const GROUP_COLOURS = { body: "--body", left_hand: "--left", right_hand: "--other", mouth: "--head", face: "--head", head: "--head" };
const groupColour = (name, number) => GROUP_COLOURS[name] || `--c${number % 6}`; // fingers, for example
const MISSING = 255;
const LAST = 254;

/* Canvases are drawn in device pixels, and asked for in those of the page. */
function fitted(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  const wide = Math.round(width * scale);
  const tall = Math.round(height * scale);
  if (canvas.width !== wide || canvas.height !== tall) {
    canvas.width = wide;
    canvas.height = tall;
    canvas.style.height = `${height}px`;
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/* One step of a clip: the frame where there is one, and the skeleton over it. */
function drawStage(canvas, motion, step, picture, show) {
  const width = canvas.clientWidth || 280;
  const margin = data.margin;
  const ratio = data.size[1] / data.size[0];
  const height = Math.round(width * ratio);
  const context = fitted(canvas, width, height);
  const inner = { x: (width * margin) / (1 + 2 * margin), y: (height * margin) / (1 + 2 * margin), w: width / (1 + 2 * margin), h: height / (1 + 2 * margin) };
  if (picture && show.pictures) {
    context.imageSmoothingQuality = "high";
    context.drawImage(picture.bitmap, ...picture.tile, inner.x, inner.y, inner.w, inner.h);
  } else {
    context.strokeStyle = colour("--rule");
    context.strokeRect(inner.x + 0.5, inner.y + 0.5, inner.w - 1, inner.h - 1);
  }
  if (!motion || (picture && !show.bones && show.pictures)) return;
  const at = (joint, coordinate) => motion.places[(2 * joint + coordinate) * motion.steps + step];
  const x = (joint) => (at(joint, 0) / LAST) * width;
  const y = (joint) => (at(joint, 1) / LAST) * height;
  const there = (joint) => at(joint, 0) !== MISSING;
  context.lineCap = "round";
  const onPicture = picture && show.pictures; // a light or dark picture must not swallow the bones
  const halo = colour("--halo");
  const colours = data.groups.map((name, number) => colour(groupColour(name, number)));
  for (const [parent, child, group] of data.bones) {
    if (!there(parent) || !there(child)) continue;
    const wide = data.groups[group] === "body" ? 3 : 2;
    const bone = (style, width) => {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(x(parent), y(parent));
      context.lineTo(x(child), y(child));
      context.stroke();
    };
    if (onPicture) bone(halo, wide + 2);
    bone(colours[group], wide);
  }
  context.fillStyle = colour("--body");
  for (let joint = 0; joint < data.joints; joint++) {
    if (!there(joint)) continue;
    context.beginPath();
    context.arc(x(joint), y(joint), 1.8, 0, 2 * Math.PI);
    context.fill();
  }
}

const MAGMA = [[0, 0, 4], [28, 16, 68], [81, 18, 124], [130, 37, 129], [183, 55, 121], [231, 82, 99], [252, 137, 97], [254, 196, 136], [252, 253, 191]];

function magma(share) {
  const place = share * (MAGMA.length - 1);
  const low = Math.min(MAGMA.length - 2, Math.floor(place));
  return [0, 1, 2].map((i) => Math.round(MAGMA[low][i] + (place - low) * (MAGMA[low + 1][i] - MAGMA[low][i])));
}

const isDark = () => {
  const [red, green, blue] = colour("--page").match(/[\d.]+/g).map(Number);
  return red + green + blue < 384;
};

/* Bytes [size, size] as a map, nothing being the colour nearest to that of the page; a frame around one row. */
function drawMap(canvas, values, size, row = -1) {
  const context = canvas.getContext("2d");
  const dark = isDark();
  const cell = canvas.width / size;
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const share = values[i * size + j] / 255;
      context.fillStyle = `rgb(${magma(dark ? share : 1 - share).join(",")})`;
      context.fillRect(Math.floor(j * cell), Math.floor(i * cell), Math.ceil(cell), Math.ceil(cell));
    }
  }
  if (row >= 0) {
    context.lineWidth = 2;
    context.strokeStyle = colour("--focus");
    context.strokeRect(1, row * cell, canvas.width - 2, cell);
    context.strokeRect(row * cell, 1, cell, canvas.height - 2);
  }
}
