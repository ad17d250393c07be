from __future__ import annotations

import json

import pytest
import torch
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import affine

from slr.data import Brightness, ChannelGain, Erase, RgbPipeline, ShiftFrames, TurnFrames
from slr.data.seeding import uniform
from slr.data.transforms import Crop, Resize

from .conftest import HEIGHT, WIDTH, frame_image, generator

VIDEO = torch.stack([frame_image(frame) for frame in range(4)])
FLOATS = VIDEO.float()
AUGMENTATIONS = [ShiftFrames(3), TurnFrames(10, 0.1), ChannelGain(0.2), Brightness(0.2), Erase(1.0, 0.5)]


def test_nothing_asked_for_means_only_the_range_changes() -> None:
    result = RgbPipeline()(VIDEO)
    assert result.dtype == torch.float32
    assert torch.allclose(result, FLOATS * 2 / 255 - 1, atol=1e-6)


def test_resize_scales_width_and_height_and_keeps_bytes() -> None:
    resized = Resize(10, 6)(VIDEO)
    assert resized.shape == (4, 3, 6, 10)
    assert resized.dtype == torch.uint8
    # Halving with antialiasing keeps the mean of a smooth ramp.
    assert abs(float(resized[0, 1].float().mean() - FLOATS[0, 1].mean())) < 1.5
    assert Resize(WIDTH, HEIGHT)(VIDEO) is VIDEO


def test_resizing_a_frame_alone_or_among_others_is_the_same() -> None:
    together = Resize(13, 9)(VIDEO)
    for frame in range(4):
        assert torch.equal(Resize(13, 9)(VIDEO[frame : frame + 1])[0], together[frame])


def test_crop_is_in_the_middle_or_anywhere() -> None:
    assert torch.equal(Crop(10, 9)(VIDEO), VIDEO[..., 7:16, 5:15])
    places = set()
    for seed in range(60):
        cut = Crop(WIDTH - 2, HEIGHT - 1)(VIDEO, generator(seed))
        left, top = int(cut[0, 1, 0, 0]) // 12, int(cut[0, 2, 0, 0]) // 10
        assert torch.equal(cut, VIDEO[..., top : top + HEIGHT - 1, left : left + WIDTH - 2])
        places.add((left, top))
    assert places == {(left, top) for left in range(3) for top in range(2)}


def test_a_crop_larger_than_the_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="crop of 21x20 pixels does not fit into frames of 20x24"):
        RgbPipeline(crop=[21, 20])(VIDEO)


def test_flip_mirrors_the_whole_frame_before_it_is_cropped() -> None:
    pipeline = RgbPipeline(crop=[WIDTH - 3, HEIGHT])
    mirrored_video = VIDEO[..., range(WIDTH - 1, -1, -1)]
    assert torch.equal(pipeline(VIDEO, flip=True), pipeline(mirrored_video))


@pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=lambda one: type(one).__name__)
def test_an_augmentation_follows_its_generator_and_spares_its_input(augmentation) -> None:
    before = FLOATS.clone()
    first = augmentation(FLOATS, generator(1))
    assert torch.equal(FLOATS, before)
    assert first.shape == FLOATS.shape
    assert not torch.equal(first, FLOATS)
    assert torch.equal(first, augmentation(FLOATS, generator(1)))
    assert not torch.equal(first, augmentation(FLOATS, generator(2)))


@pytest.mark.parametrize("augmentation", AUGMENTATIONS, ids=lambda one: type(one).__name__)
def test_an_augmentation_treats_all_frames_of_a_clip_alike(augmentation) -> None:
    together = augmentation(FLOATS, generator(1))
    for frame in range(4):
        assert torch.equal(augmentation(FLOATS[frame : frame + 1], generator(1))[0], together[frame])


def test_shift_moves_by_whole_pixels_and_repeats_the_border() -> None:
    seen = set()
    for seed in range(80):
        moved = ShiftFrames(2)(FLOATS, generator(seed))
        right = next(d for d in range(-2, 3) if float(moved[0, 1, 12, 10]) == 12 * (10 - d))
        down = next(d for d in range(-2, 3) if float(moved[0, 2, 12, 10]) == 10 * (12 - d))
        seen.add((right, down))
        for row in range(HEIGHT):
            for column in range(WIDTH):
                source = (min(max(row - down, 0), HEIGHT - 1), min(max(column - right, 0), WIDTH - 1))
                assert torch.equal(moved[2, :, row, column], FLOATS[2, :, source[0], source[1]])
        if len(seen) > 12:
            break
    assert len(seen) > 12


def test_gain_and_brightness_change_values_as_stated() -> None:
    ratio = ChannelGain(0.3)(FLOATS + 1, generator(4)) / (FLOATS + 1)
    for channel in range(3):
        assert float(ratio[:, channel].max() - ratio[:, channel].min()) < 1e-5
        assert 0.7 <= float(ratio[0, channel, 0, 0]) <= 1.3
    assert len({round(float(ratio[0, channel, 0, 0]), 4) for channel in range(3)}) == 3
    added = Brightness(0.1)(FLOATS, generator(4)) - FLOATS
    assert float(added.max() - added.min()) < 1e-3
    assert 0 < abs(float(added[0, 0, 0, 0])) <= 25.5


def test_erase_covers_one_rectangle_no_larger_than_its_share() -> None:
    for seed in range(20):
        erased = Erase(1.0, 0.4)(FLOATS, generator(seed))
        rows, columns = (erased == 127.5).all(1).all(0).nonzero(as_tuple=True)
        if len(rows):
            height, width = int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1
            assert len(rows) == height * width
            assert height <= round(0.4 * HEIGHT)
            assert width <= round(0.4 * WIDTH)
        untouched = (erased != 127.5).all(1).all(0)
        assert torch.equal(erased[..., untouched], FLOATS[..., untouched])
    assert torch.equal(Erase(0.0, 0.4)(FLOATS, generator()), FLOATS)


def test_augmented_values_stay_in_the_range() -> None:
    pipeline = RgbPipeline(augment=[Brightness(1.0), ChannelGain(1.0)])
    for seed in range(10):
        result = pipeline(VIDEO, generator=generator(seed))
        assert float(result.min()) >= -1
        assert float(result.max()) <= 1


def test_without_a_generator_nothing_is_random() -> None:
    plain = RgbPipeline(resize=22, crop=[18, 20])
    augmented = RgbPipeline(resize=22, crop=[18, 20], augment=AUGMENTATIONS)
    assert torch.equal(augmented(augmented.prepare(VIDEO)), plain(plain.prepare(VIDEO)))


def test_a_pipeline_rebuilt_from_its_description_evaluates_alike() -> None:
    pipeline = RgbPipeline(resize=[30, 28], crop=24, augment=AUGMENTATIONS)
    described = json.loads(json.dumps(pipeline.describe()))
    rebuilt = RgbPipeline.from_description(described)
    assert torch.equal(rebuilt(rebuilt.prepare(VIDEO)), pipeline(pipeline.prepare(VIDEO)))
    assert rebuilt.describe() == described
    with pytest.raises(ValueError, match=r"recorded with range 'x / 255', and this version does 'x / 127\.5 - 1'"):
        RgbPipeline.from_description({**described, "range": "x / 255"})


@pytest.mark.parametrize("size", [0, [10], [10, -1], [1.5, 2]])
def test_sizes_that_are_none_are_refused(size) -> None:
    with pytest.raises(ValueError, match="is no frame size"):
        RgbPipeline(resize=size)


def test_amounts_out_of_range_are_refused() -> None:
    for make, complaint in (
        (lambda: Erase(probability=1.5), "Erase probability is 1.5: it must be between 0 and 1"),
        (lambda: ShiftFrames(-1), "ShiftFrames pixels is -1: it must be at least 0"),
        (lambda: ChannelGain(2), "ChannelGain amount is 2"),
    ):
        with pytest.raises(ValueError, match=complaint):
            make()


def test_the_delivered_size_is_that_of_the_last_step_that_sets_one():
    assert RgbPipeline().delivered_size((84, 104)) == (84, 104)
    assert RgbPipeline(resize=[50, 60]).delivered_size((84, 104)) == (50, 60)
    assert RgbPipeline(resize=[50, 60], crop=[40, 50]).delivered_size((84, 104)) == (40, 50)


def test_a_picture_without_turn_and_scale_stays() -> None:
    torch.testing.assert_close(TurnFrames()(FLOATS, generator(0)), FLOATS)


@pytest.mark.parametrize("seed", range(4))
def test_the_inner_picture_turns_and_scales_as_torchvision_does_it(seed: int) -> None:
    ramp = torch.stack(torch.meshgrid(torch.arange(40.0), torch.arange(60.0), indexing="ij"))  # 60 wide, 40 high
    video = torch.cat([ramp, (ramp[:1] / 3).sin() * 50 + 100])[None]
    turned = TurnFrames(degrees=15, scale=0.1)(video, generator(seed))
    same = generator(seed)
    angle, factor = uniform(same, -15, 15), uniform(same, 0.9, 1.1)
    expected = affine(
        video, angle, [0, 0], factor, [0.0, 0.0], interpolation=InterpolationMode.BILINEAR, fill=[0.0] * 3
    )
    torch.testing.assert_close(turned[..., 12:-12, 12:-12], expected[..., 12:-12, 12:-12], rtol=0, atol=2e-2)
    assert (turned[..., 12:-12, 12:-12] - video[..., 12:-12, 12:-12]).abs().max() > 0.5


def test_scaling_down_repeats_the_border() -> None:
    white = torch.full((2, 3, 20, 30), 255.0)
    for seed in range(6):
        torch.testing.assert_close(TurnFrames(degrees=30, scale=0.5)(white, generator(seed)), white)


def test_all_frames_of_a_clip_turn_alike() -> None:
    still = FLOATS[:1].expand(4, -1, -1, -1)
    turned = TurnFrames(degrees=20, scale=0.2)(still, generator(1))
    assert torch.equal(turned, turned[:1].expand(4, -1, -1, -1))
    torch.testing.assert_close(turned[:1], TurnFrames(degrees=20, scale=0.2)(still[:1], generator(1)))
