"""The page in a headless Chromium, opened as a file."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.workbench.analysis.made_up import NASTY, MadeUpCorpus, made_up
from tests.workbench.report.conftest import Browser
from workbench.analysis.findings import Findings
from workbench.report.run_page import run_page

TIME = "document.getElementById('timeline').getAttribute('aria-valuenow')"
CLIP = "document.getElementById('clip-name').textContent"
SKELETON = "document.getElementById('skeleton').toDataURL()"
SHOWN = "[...document.querySelectorAll('.item bdi')].map((item) => item.textContent)"


@pytest.fixture(scope="module")
def findings() -> Findings:
    return made_up(MadeUpCorpus(12))


@pytest.fixture(scope="module")
def page(findings: Findings) -> str:
    return run_page(findings)


@pytest.fixture
def opened(browser: Browser, page: str) -> Browser:
    browser.open(page, prefers_reduced_motion="reduce")  # a click must not miss what glides
    browser.until(f"{TIME} === '0.00' && player.motion !== null")
    return browser


def errors(findings: Findings, role: str = "student") -> dict[str, int]:
    return {clip.clip: clip.counts.errors for clip in findings.reads[role].report.clips}


def test_it_opens_with_its_table_and_asks_for_nothing(opened: Browser, findings: Findings) -> None:
    rows = opened.ask("[...document.querySelectorAll('#result tbody tr')].map((row) => row.innerText)")
    assert len(rows) == 3
    for row, read in zip(rows, findings.reads.values(), strict=True):
        assert f"{100 * read.report.wer:.1f}" in row
    assert opened.ask("performance.getEntriesByType('resource').length") == 0
    assert opened.ask("document.querySelectorAll('#errors svg.chart, #training svg.chart').length") >= 6
    assert opened.ask("document.querySelectorAll('#relations canvas').length") == 2


def test_the_player_moves_when_it_is_told_to_and_only_then(opened: Browser) -> None:
    before = opened.ask(SKELETON)
    assert opened.find("#play").text == "Play"
    opened.find("#play").click()
    opened.until("player.time > 0.2")
    assert opened.find("#play").text == "Stop"
    assert opened.ask(SKELETON) != before
    opened.find("#play").click()
    stopped = opened.ask("player.time")
    assert opened.ask(f"Math.abs({TIME} - player.time) < 0.01")
    opened.driver.execute_async_script("setTimeout(arguments[0], 150)")
    assert opened.ask("player.time") == stopped


def test_at_its_end_a_clip_begins_again_or_stops(opened: Browser) -> None:
    opened.driver.execute_script("byId('speed').value = '2'; player.seek(player.clip.seconds - 0.05)")
    opened.find("#play").click()
    opened.until("player.playing && player.time < 0.5")
    # Paused first: on a slow machine the clip could reach its end, and stop, before it is sent there.
    opened.find("#play").click()
    opened.find("#loop").click()
    opened.driver.execute_script("player.seek(player.clip.seconds - 0.05)")
    opened.find("#play").click()
    opened.until("!player.playing && player.time === player.clip.seconds")


def test_skeleton_timeline_and_relations_are_at_one_time(opened: Browser) -> None:
    (start, end) = opened.ask("data.clips.find((clip) => clip.id === player.clip.id).rows.student[1].slice(1, 3)")
    opened.driver.execute_script(f"player.seek({(start + end) / 2000})")
    now = opened.ask("[...document.querySelectorAll('#timeline .now text')].map((text) => text.textContent)")
    wanted = opened.ask("data.glosses[player.clip.rows.student[1][0]]")
    assert any(wanted.startswith(text.rstrip("…")) or text == f"+{wanted}" for text in now)
    assert wanted in opened.ask("document.getElementById('timeline').getAttribute('aria-valuetext')")
    step = opened.ask("player.step")
    assert step == int((start + end) / 2000 / (2 / 25))
    map_before = opened.ask("document.querySelector('#clip-maps canvas').toDataURL()")
    opened.driver.execute_script("player.seek(0)")
    assert opened.ask("document.querySelector('#clip-maps canvas').toDataURL()") != map_before


def test_the_frame_is_the_one_nearest_to_the_skeleton(opened: Browser) -> None:
    """Frames come at a lower rate; one from before would show hands where they were."""
    every, of_pictures = opened.ask("data.every"), opened.ask("data.pictures.every")
    assert of_pictures > every
    columns = opened.ask("player.clip.picture[4]")
    for step in range(opened.ask("player.motion.steps")):
        opened.driver.execute_script(f"player.seek(({step} + 0.5) * player.stepSeconds)")
        x, y, width, height = opened.ask("player.tile().tile")
        shown = of_pictures * (y // height * columns + x // width)
        assert opened.ask("player.step") == step
        assert abs(shown - every * step) <= of_pictures / 2 or shown + of_pictures >= opened.ask(
            "player.clip.seconds * 25"
        )


def test_a_click_on_the_timeline_goes_there(opened: Browser) -> None:
    from selenium.webdriver import ActionChains

    timeline = opened.find("#timeline")
    opened.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", timeline)
    ActionChains(opened.driver).move_to_element_with_offset(timeline, timeline.size["width"] // 4, 0).click().perform()
    share = opened.ask("player.time / player.clip.seconds")
    left = opened.ask("player.timeline.left")
    assert share == pytest.approx((0.75 * timeline.size["width"] - left) / (timeline.size["width"] - left), abs=0.02)


def test_it_can_be_used_without_a_mouse(opened: Browser) -> None:
    from selenium.webdriver import Keys

    opened.press(Keys.TAB)
    assert opened.ask("document.activeElement.className") == "skip"
    focused = []
    for _ in range(40):
        opened.press(Keys.TAB)
        focused.append(opened.ask("document.activeElement.id || document.activeElement.tagName"))
    wanted = ["theme", "search", "sort", "list", "play", "back", "forward", "speed", "loop", "timeline"]
    assert [name for name in focused if name in wanted][: len(wanted)] == wanted
    opened.driver.execute_script("document.getElementById('timeline').focus()")
    outline = opened.ask("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    opened.press(Keys.ARROW_RIGHT)
    assert opened.ask(TIME) == "0.08"
    opened.press(Keys.ARROW_RIGHT, Keys.ARROW_LEFT)
    assert opened.ask(TIME) == "0.08"
    opened.press(Keys.END)
    assert float(opened.ask(TIME)) == pytest.approx(opened.ask("player.clip.seconds"), abs=0.01)
    opened.press(Keys.HOME)
    assert opened.ask(TIME) == "0.00"
    opened.press(" ")
    assert opened.ask("player.playing")
    opened.press(" ")
    assert not opened.ask("player.playing")


def test_the_list_is_walked_by_keys(opened: Browser) -> None:
    from selenium.webdriver import Keys

    shown = opened.ask(SHOWN)
    opened.driver.execute_script("document.getElementById('list').focus()")
    opened.press(Keys.ARROW_DOWN)
    assert opened.ask(CLIP) == shown[1]
    opened.press(Keys.END)
    assert opened.ask(CLIP) == shown[-1]
    active = opened.ask("document.getElementById('list').getAttribute('aria-activedescendant')")
    assert opened.find(f"#{active}").get_attribute("aria-selected") == "true"
    assert len(opened.ask("document.querySelectorAll('[aria-selected=true]')")) == 1
    opened.press("p")
    assert opened.ask(CLIP) == shown[-2]
    opened.press("/", "n", "p")
    assert opened.ask("document.activeElement.id") == "search"
    assert opened.find("#search").get_attribute("value") == "np"  # in a field, letters are letters


def test_clips_are_sorted_by_error(opened: Browser, findings: Findings) -> None:
    from selenium.webdriver.support.select import Select

    found, before = errors(findings), errors(findings, "baseline")
    assert [found[clip] for clip in opened.ask(SHOWN)] == sorted(found.values(), reverse=True)
    choose = Select(opened.find("#sort"))
    choose.select_by_visible_text("fewest errors")
    assert [found[clip] for clip in opened.ask(SHOWN)] == sorted(found.values())
    choose.select_by_visible_text("most gained over student alone")
    gains = [before[clip] - found[clip] for clip in opened.ask(SHOWN)]
    assert gains == sorted(gains, reverse=True)
    assert opened.ask(CLIP) == opened.ask(SHOWN)[0]
    choose.select_by_visible_text("id")
    assert opened.ask(SHOWN) == sorted(found)


def test_clips_are_found_by_gloss_signer_and_id(opened: Browser, findings: Findings) -> None:
    clip = findings.clips[3]
    for words in (clip.id, clip.signer.lower(), f"{clip.glosses[0]} {clip.signer}"):
        opened.find("#search").clear()
        opened.find("#search").send_keys(words)
        shown = opened.ask(SHOWN)
        assert clip.id in shown
        assert f"{len(shown)} of 12 clips" == opened.find("#count").text or len(shown) == 12
    opened.find("#search").send_keys(" nowhere")
    assert opened.ask(SHOWN) == []
    assert opened.find("#count").text == "0 of 12 clips"


def luminance(colour: str) -> float:
    def linear(value: float) -> float:
        return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(part) / 255) for part in re.findall(r"\d+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def colours(browser: Browser) -> dict[str, str]:
    names = ["--page", "--ink", "--soft", "--wrong", "--focus", "--c0", "--c1", "--c2"]
    return {name: browser.ask(f"colour('{name}')") for name in names}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_schemes_can_be_read(browser: Browser, page: str, scheme: str) -> None:
    browser.open(page, prefers_color_scheme=scheme)
    found = colours(browser)
    assert (luminance(found["--page"]) < 0.1) == (scheme == "dark")
    for name, colour in found.items():
        least = {"--page": 1, "--ink": 7, "--soft": 4.5, "--wrong": 4.5}.get(name, 3)  # WCAG 2: 3 for graphics
        assert contrast(colour, found["--page"]) >= least, name
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == found["--page"]


def test_the_scheme_can_be_changed_and_everything_follows(opened: Browser) -> None:
    button = opened.find("#theme")
    light, drawn = colours(opened), opened.ask("document.querySelector('#relations canvas').toDataURL()")
    assert button.text == "Theme: system"
    button.click()
    assert (button.text, colours(opened)) == ("Theme: light", light)
    button.click()
    assert button.text == "Theme: dark"
    assert luminance(colours(opened)["--page"]) < 0.1
    assert opened.ask("document.querySelector('#relations canvas').toDataURL()") != drawn
    opened.find("#theme").click()
    assert colours(opened) == light


@pytest.mark.parametrize("width", [320, 390, 800])
def test_on_a_narrow_screen_nothing_sticks_out(browser: Browser, page: str, width: int) -> None:
    browser.open(page, width=width)
    assert browser.ask("document.documentElement.scrollWidth <= window.innerWidth")
    assert browser.find("#timeline").size["width"] > 0.8 * width


def test_nothing_glides_for_whom_motion_is_too_much(browser: Browser, page: str) -> None:
    browser.open(page, prefers_reduced_motion="reduce")
    assert browser.ask("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    browser.open(page, prefers_reduced_motion="no-preference")
    assert browser.ask("getComputedStyle(document.documentElement).scrollBehavior") == "smooth"
    assert not browser.ask("player.playing")


def test_names_that_look_like_code_are_shown_and_not_run(browser: Browser) -> None:
    findings = made_up(MadeUpCorpus(4, glosses=NASTY), glosses=NASTY, name="".join(NASTY))
    browser.open(run_page(findings))
    assert browser.ask("typeof window.hacked") == "undefined"
    assert browser.find("h1").text == "".join(NASTY)
    shown: set[Any] = set()
    for _ in range(4):
        pieces = "[...document.querySelectorAll('#alignments td span')].map((piece) => piece.textContent)"
        shown |= set(browser.ask(pieces))
        browser.driver.execute_script("list.moveBy(1)")
    assert shown - {"–"} <= {*NASTY, *(f"+{name}" for name in NASTY)}
    assert len(shown) > 5


@pytest.mark.slow
def test_with_540_clips_it_opens_and_every_clip_can_be_shown(browser: Browser, page_of_many: str) -> None:
    browser.open(page_of_many)
    assert browser.find("#count").text == "540 clips"
    browser.driver.execute_script("list.moveBy(Infinity)")
    browser.until("player.motion !== null")
    assert browser.ask("player.clip === list.shown[539].clip")
    assert browser.ask(SKELETON) != browser.ask("document.createElement('canvas').toDataURL()")
    browser.find("#search").send_keys("test-0123")
    assert browser.find("#count").text == "1 of 540 clips"
