"""A sheet as Markdown, LaTeX and HTML, and on a terminal."""

from __future__ import annotations

import html
import itertools
from collections.abc import Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from workbench.study.sheet import Heading, Sheet, SheetCell

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}
_LABEL_WIDTH, _LEAST_WIDTH = 44, 60  # on a terminal, in letters
_MARKDOWN = {"|": r"\|", "<": "&lt;", ">": "&gt;", "*": r"\*", "_": r"\_"}


def render_sheet(sheet: Sheet, console: Console) -> RenderableType:
    """The table for a terminal: as many columns of it as there is room for, those of a paper before ours."""
    columns = [*range(len(sheet.headings))]
    droppable = [index for index in columns[2:] if not sheet.headings[index].published]
    while droppable and _width(sheet, columns, console) > max(console.width, _LEAST_WIDTH):
        columns.remove(droppable.pop())
    left_out = [heading.text for index, heading in enumerate(sheet.headings) if index not in columns]
    below = [*(f"[{mark}] {note}" for mark, note in sheet.notes.items()), *sheet.remarks]
    if left_out:
        below.append(f"Not shown for want of room: {', '.join(left_out)}.")
    lead, lines = (Text("\n".join(texts)) for texts in (sheet.lead, below))
    return Group(Text(sheet.title, style="bold"), lead, _table(sheet, columns), lines)


def _width(sheet: Sheet, columns: Sequence[int], console: Console) -> int:
    """What the table would take if there were room without end."""
    return Measurement.get(console, console.options.update(width=10_000), _table(sheet, columns)).maximum


def _table(sheet: Sheet, columns: Sequence[int]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for index in columns:
        heading = sheet.headings[index]
        whose = heading.group.partition(",")[0]
        table.add_column(
            Text(f"{whose}\n{heading.text}" if whose else heading.text),
            justify="right" if index else "left",
            no_wrap=index > 0,
            vertical="bottom",
            max_width=None if index else _LABEL_WIDTH,
        )
    for number, row in enumerate(sheet.rows):
        cells = [row[index] for index in columns]
        marked = [f"{cell.text} {''.join(f'[{mark}]' for mark in cell.marks)}".strip() for cell in cells]
        table.add_row(*(Text(text) for text in marked), end_section=number in sheet.lines_after)
    return table


def as_markdown(sheet: Sheet) -> str:
    """A document with the table, as GitHub reads it."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    def shown(cell: SheetCell) -> str:
        return _markdown(cell.text) + "".join(f"<sup>{mark}</sup>" for mark in cell.marks)

    headings = [f"{heading.group.partition(',')[0]} {heading.text}".strip() for heading in sheet.headings]
    lines = [
        f"# {_markdown(sheet.title)}",
        "",
        *itertools.chain.from_iterable((_markdown(one), "") for one in sheet.lead),
    ]
    lines += [line([_markdown(text) for text in headings]), line(["---", *["---:"] * (len(headings) - 1)])]
    lines += [line([shown(cell) for cell in row]) for row in sheet.rows]
    lines += [""]
    for mark, note in sheet.notes.items():
        lines += [f"<sup>{mark}</sup> {_markdown(note)}", ""]
    for remark in sheet.remarks:
        lines += [_markdown(remark), ""]
    return "\n".join(lines).rstrip() + "\n"


def as_latex(sheet: Sheet, label: str) -> str:
    """A floating table in the style of booktabs (``\\usepackage{booktabs}``)."""

    def shown(cell: SheetCell) -> str:
        return _latex(cell.text) + (f"$^{{{','.join(cell.marks)}}}$" if cell.marks else "")

    def line(cells: Sequence[str]) -> str:
        return f"    {' & '.join(cells)} \\\\"

    caption = " ".join([f"{sheet.title}.", *sheet.lead])
    lines = [
        "% \\usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        f"  \\caption{{{_latex(caption)}}}",
        f"  \\label{{tab:{label}}}",
        f"  \\begin{{tabular}}{{l{'r' * (len(sheet.headings) - 1)}}}",
        r"    \toprule",
        *_latex_groups(sheet.headings),
        line([_latex(heading.text) for heading in sheet.headings]),
        r"    \midrule",
    ]
    for number, row in enumerate(sheet.rows):
        lines.append(line([shown(cell) for cell in row]))
        if number in sheet.lines_after and number + 1 < len(sheet.rows):
            lines.append(r"    \midrule")
    lines += [r"    \bottomrule", r"  \end{tabular}"]
    below = [*(f"$^{{{mark}}}$ {_latex(note)}" for mark, note in sheet.notes.items()), *map(_latex, sheet.remarks)]
    lines += [rf"  \par\smallskip\footnotesize {text}" for text in below]
    return "\n".join([*lines, r"\end{table}", ""])


def _latex_groups(headings: Sequence[Heading]) -> list[str]:
    """The line above the headings that says whose figures they are, and the rules below it."""
    if not any(heading.group for heading in headings):
        return []
    spans, rules, column = [], [], 1
    for group, members in itertools.groupby(headings, key=lambda heading: heading.group):
        width = len(list(members))
        spans.append(f"\\multicolumn{{{width}}}{{c}}{{{_latex(group)}}}" if group else " & ".join([""] * width))
        if group:
            rules.append(f"\\cmidrule(lr){{{column}-{column + width - 1}}}")
        column += width
    return [f"    {' & '.join(spans)} \\\\", f"    {''.join(rules)}"]


def as_html(sheet: Sheet) -> str:
    """A page with the table and nothing from elsewhere; light or dark as the reader's system is."""
    escape = html.escape

    def cell(one: SheetCell, tag: str) -> str:
        return f"<{tag}>{escape(one.text)}{''.join(f'<sup>{mark}</sup>' for mark in one.marks)}</{tag}>"

    groups = [
        f'<th colspan="{len(list(members))}">{escape(group)}</th>'
        for group, members in itertools.groupby(sheet.headings, key=lambda heading: heading.group)
    ]
    head = [f"<tr>{''.join(groups)}</tr>"] if any(heading.group for heading in sheet.headings) else []
    head.append(f"<tr>{''.join(f'<th>{escape(heading.text)}</th>' for heading in sheet.headings)}</tr>")
    body = []
    for number, row in enumerate(sheet.rows):
        line = ' class="line"' if number in sheet.lines_after else ""
        body.append(f"<tr{line}>{cell(row[0], 'th')}{''.join(cell(one, 'td') for one in row[1:])}</tr>")
    below = [f"<p><sup>{mark}</sup> {escape(note)}</p>" for mark, note in sheet.notes.items()]
    below += [f"<p>{escape(remark)}</p>" for remark in sheet.remarks]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            '<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f"<title>{escape(sheet.title)}</title>",
            f"<style>{_STYLE}</style></head>",
            "<body>",
            f"<h1>{escape(sheet.title)}</h1>",
            *(f"<p>{escape(line)}</p>" for line in sheet.lead),
            '<div class="wide"><table>',
            f"<thead>{''.join(head)}</thead>",
            "<tbody>",
            *body,
            "</tbody></table></div>",
            *below,
            "</body></html>",
            "",
        ]
    )


_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}"
    "h1{font-size:1.3rem}.wide{overflow-x:auto}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;border-block:2px solid}"
    "th,td{padding:.2rem .6rem;text-align:right;vertical-align:bottom}"
    "thead{border-bottom:1px solid}thead th[colspan]{text-align:center}tr>:first-child{text-align:left}"
    "tbody th{font-weight:400;min-width:11rem}td{white-space:nowrap}.line{border-bottom:1px solid}"
)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)


def _markdown(text: str) -> str:
    return "".join(_MARKDOWN.get(sign, sign) for sign in text)
