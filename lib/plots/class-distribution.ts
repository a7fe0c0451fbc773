import type { Dataset } from "../data/dataset";
import { axisOf, legendOverRows, rowsAxis } from "./axes";
import type { Figure } from "./figure";
import { count, PART_NAMES, plain, textWidth, twoLines, widest } from "./text";
import { COLUMN, type FigureOptions, layoutOf, SMALL_TEXT, TEXT, themeOf } from "./theme";

// What is in no part comes last, so that the parts keep their colors.
const SPLITS = [...Object.keys(PART_NAMES), "unused"];
const partName = (split: string) => (PART_NAMES as Record<string, string>)[split] ?? split;

/**
 * How many galaxies each class has, a bar a class, by split where the table has the column `split`.
 * Answers the class distribution of Galaxy10 DECaLS and the class composition of Galaxy Zoo 2.
 */
export function classDistribution(
  { classNames, table }: Pick<Dataset, "classNames" | "table">,
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const { label, split } = table;
  const found = split ? [...new Set(Array.from(split, String))] : [""];
  const splits = found.sort((a, b) => SPLITS.indexOf(a) - SPLITS.indexOf(b));
  const counts = splits.map((name) => {
    const bars = new Array<number>(classNames.length).fill(0);
    for (let row = 0; row < label.length; row++)
      if (!split || String(split[row]) === name) bars[Number(label[row])]++;
    return bars;
  });
  const totals = classNames.map((_, c) => counts.reduce((sum, bars) => sum + bars[c], 0));
  const names = classNames.map((name) => twoLines(name, 24));
  const left = widest(names, TEXT) + 10;
  const largest = Math.max(...totals, 1);
  const numbers = totals.map(count);
  const right = widest(numbers, SMALL_TEXT) + 8;
  const legend = splits.length > 1 ? 24 : 4;

  // Places are explicit: the mode of bars belongs to a whole sheet, which other panels may share.
  const below = (s: number) =>
    classNames.map((_, c) => counts.slice(0, s).reduce((sum, bars) => sum + bars[c], 0));
  const bars = counts.map((values, s) => ({
    type: "bar",
    base: below(s),
    width: 0.75,
    orientation: "h",
    name: partName(splits[s]),
    x: values,
    y: names.map((_, c) => c),
    customdata: classNames.map(plain),
    text: values.map(count),
    textposition: "none",
    hovertemplate: `%{customdata}: %{text}<extra>${partName(splits[s])}</extra>`,
    marker: { color: theme.palette[s % theme.palette.length], line: { width: 0 } },
  }));
  return {
    data: bars,
    layout: layoutOf(
      theme,
      {
        width: COLUMN,
        height: names.length * 24 + legend + 40,
        margin: { l: left, r: right, t: legend, b: 40 },
        keepHeight: true,
      },
      {
        barmode: "overlay",
        showlegend: splits.length > 1,
        legend: {
          ...legendOverRows(splits.map(partName), left, COLUMN - left - right),
          traceorder: "normal",
        },
        xaxis: axisOf(theme, "Number of galaxies", { range: [0, largest], nticks: 5 }),
        yaxis: rowsAxis(theme, names),
        annotations: numbers.map((text, c) => ({
          text,
          x: totals[c],
          y: c,
          xanchor: "left",
          showarrow: false,
          borderpad: 0,
          xshift: 3,
          width: textWidth(text, SMALL_TEXT) + 2,
          align: "left",
          font: { size: SMALL_TEXT, color: theme.muted },
        })),
      },
    ),
  };
}
