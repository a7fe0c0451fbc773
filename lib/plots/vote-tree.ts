import { questionRanges, reachChances } from "../data/decision-tree";
import { selectVotes, type VotePredictions } from "../evaluate/vote-predictions";
import type { Figure } from "./figure";
import { plain, textWidth } from "./text";
import { type FigureOptions, layoutOf, PAGE, SMALL_TEXT, TEXT, themeOf } from "./theme";

/** Height of an answer, pixels on the screen. */
const LINE = 15;
/** Space between two questions, pixels. */
const GAP = 12;
/** Width of a question, and of the space in which lines lead to the next ones, as a share of a column. */
const WIDTH = 0.72;

/**
 * The decision tree filled in for one galaxy: the predicted fraction of each answer as a bar, what the
 * volunteers said as a tick, and the chance of reaching each question by the strength of the lines that
 * lead there.
 */
export function voteTree(
  { table, row }: { readonly table: VotePredictions; readonly row: number },
  options: FigureOptions = {},
): Figure {
  const theme = themeOf(options);
  const { questions, values, truth } = selectVotes(table, [row]);
  const ranges = questionRanges(questions);
  const chances = reachChances(questions, values);
  const questionOf = (answer: number) => ranges.findIndex(({ to }) => answer < to);
  const depths: number[] = [];
  for (const { after } of ranges) {
    depths.push(after.length === 0 ? 0 : 1 + Math.max(...after.map((a) => depths[questionOf(a)])));
  }
  const columns = Math.max(...depths) + 1;
  const heights = new Array<number>(columns).fill(0);
  // From the top: where each question begins in its column, pixels.
  const tops = ranges.map(({ from, to }, q) => {
    const top = heights[depths[q]];
    heights[depths[q]] += (to - from + 1) * LINE + GAP;
    return top;
  });
  const height = Math.max(...heights) - GAP;
  const answerAt = (answer: number) => {
    const q = questionOf(answer);
    return { x: depths[q], y: tops[q] + (answer - ranges[q].from + 1.5) * LINE };
  };
  const shapes: object[] = [];
  const annotations: object[] = [];
  const note = { showarrow: false, xanchor: "left", borderpad: 0 };
  const lines = ranges.flatMap(({ after }, q) =>
    after.map((answer) => {
      const from = answerAt(answer);
      const chance = chances[questionOf(answer)] * values[answer];
      return {
        type: "scatter",
        mode: "lines",
        x: [from.x + WIDTH, depths[q] - 0.02],
        y: [from.y, tops[q] + LINE / 2],
        line: { color: theme.palette[0], width: 0.5 + 5 * chance },
        opacity: 0.6,
        hoverinfo: "skip",
      };
    }),
  );
  for (const [q, { question, from, to }] of ranges.entries()) {
    const x = depths[q];
    annotations.push({
      ...note,
      text: `<b>${plain(question.name)}</b> ${Math.round(100 * chances[q])} %`,
      x,
      y: tops[q] + LINE / 2,
      font: { size: TEXT },
    });
    for (let a = from; a < to; a++) {
      const { y } = answerAt(a);
      shapes.push({
        type: "rect",
        layer: "below",
        ...{ x0: x, x1: x + WIDTH * values[a], y0: y - LINE / 2 + 1, y1: y + LINE / 2 - 1 },
        fillcolor: theme.palette[0],
        opacity: 0.15 + 0.5 * chances[q],
        line: { width: 0 },
      });
      const name = plain(question.answers[a - from].replace(`${question.name}_`, ""));
      const text = `${name} ${values[a].toFixed(2)}`;
      // Behind the tick where that would strike it out.
      const end = 0.01 + textWidth(text, SMALL_TEXT) / (PAGE / columns);
      const isStruck = WIDTH * truth[a] < end;
      annotations.push({
        ...note,
        text,
        x: x + 0.01 + (isStruck ? WIDTH * truth[a] : 0),
        y,
        font: { size: SMALL_TEXT },
      });
    }
  }
  const known = Array.from(truth.keys()).filter((a) => !Number.isNaN(truth[a]));
  const ticks = {
    type: "scatter",
    mode: "markers",
    x: known.map((a) => answerAt(a).x + WIDTH * truth[a]),
    y: known.map((a) => answerAt(a).y),
    customdata: known.map((a) => truth[a]),
    hovertemplate: "volunteers: %{customdata:.2f}<extra></extra>",
    marker: { color: theme.ink, symbol: "line-ns-open", size: LINE - 4, line: { width: 2 } },
  };
  const axis = { visible: false, fixedrange: true };
  return {
    data: [...lines, ticks],
    layout: layoutOf(
      theme,
      { width: PAGE, height: height + 12, margin: { l: 6, r: 6, t: 6, b: 6 } },
      {
        xaxis: { ...axis, range: [-0.01, columns - 1 + WIDTH + 0.02] },
        yaxis: { ...axis, range: [height, 0] },
        shapes,
        annotations,
      },
    ),
  };
}
