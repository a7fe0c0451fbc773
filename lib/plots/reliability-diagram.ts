import {
  chanceCalibrationError,
  expectedCalibrationError,
  type ReliabilityBin,
} from "../evaluate/calibration";
import { wilsonInterval } from "../evaluate/intervals";
import { axisOf, diagonal } from "./axes";
import type { Figure } from "./figure";
import { COLUMN, type FigureOptions, layoutOf, SMALL_TEXT, themeOf } from "./theme";

/**
 * Accuracy against confidence with Wilson's 95 % intervals, and how many galaxies have each
 * confidence; the calibration error (ECE), and that which so few galaxies show by chance although all
 * probabilities are true. Answers the reliability diagrams of Guo et al. (2017, arXiv:1706.04599).
 *
 * @param table What `reliabilityTable` gives.
 */
export function reliabilityDiagram(
  table: readonly ReliabilityBin[],
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const filled = table.filter((bin) => bin.count > 0);
  const intervals = filled.map((bin) => wilsonInterval(bin.correct, bin.count));
  const chance = chanceCalibrationError(table);
  const range = [0, 1];
  return {
    data: [
      diagonal(theme),
      {
        type: "scatter",
        mode: "lines+markers",
        x: filled.map((bin) => bin.confidence),
        y: filled.map((bin) => bin.accuracy),
        error_y: {
          type: "data",
          symmetric: false,
          array: intervals.map(({ value, high }) => high - value),
          arrayminus: intervals.map(({ value, low }) => value - low),
          thickness: 1,
          width: 2,
        },
        customdata: filled.map((bin) => bin.count),
        hovertemplate:
          "confidence %{x:.3f}<br>accuracy %{y:.3f}<br>%{customdata} galaxies<extra></extra>",
        line: { color: theme.palette[0], width: 1.6 },
        marker: { color: theme.palette[0], size: 6 },
        cliponaxis: false,
      },
      {
        type: "bar",
        x: table.map((bin) => (bin.low + bin.high) / 2),
        y: table.map((bin) => bin.count),
        width: table.map((bin) => 0.9 * (bin.high - bin.low)),
        yaxis: "y2",
        hovertemplate: "%{y} galaxies<extra></extra>",
        marker: { color: theme.palette[3] },
      },
    ],
    layout: layoutOf(
      theme,
      { height: Math.round(COLUMN * 1.05), margin: { l: 56, r: 10, t: 10, b: 42 } },
      {
        xaxis: axisOf(theme, "Confidence", { range, dtick: 0.2, anchor: "y2" }),
        yaxis: axisOf(theme, "Accuracy", { range, dtick: 0.2, domain: [0.3, 1] }),
        yaxis2: axisOf(theme, "Galaxies", { domain: [0, 0.22], nticks: 3 }),
        annotations: [
          {
            text:
              `ECE ${expectedCalibrationError(table).toFixed(3)}<br>` +
              `by chance ${chance.mean.toFixed(3)} ± ${chance.deviation.toFixed(3)}`,
            x: 0.03,
            y: 0.97,
            xref: "x",
            yref: "y",
            xanchor: "left",
            yanchor: "top",
            align: "left",
            showarrow: false,
            font: { size: SMALL_TEXT },
          },
        ],
      },
    ),
  };
}
