import { type AxisOptions, axisOf } from "./axes";
import type { Theme } from "./theme";

/** One of several small plots of equal size in a figure. */
export interface Facet {
  /** Suffix of its axes' names: empty for the first, then `2`, `3` … */
  readonly suffix: string;
  /** What a trace needs to be drawn in it. */
  readonly ref: { readonly xaxis: string; readonly yaxis: string };
  /** Where it stands from left to right, fractions of the plot's width. */
  readonly x: readonly [number, number];
  /** Where it stands from bottom to top, fractions of the plot's height. */
  readonly y: readonly [number, number];
  /** Its axes, as keys of the layout. */
  axes(theme: Theme, x: FacetAxis, y: FacetAxis): Record<string, unknown>;
}

/** An axis of a facet. */
export interface FacetAxis extends AxisOptions {
  /** Title with its unit. */
  readonly title: string;
  /**
   * Whether the title stands only at the figure's edge, as the ticks' labels do: the x axis below the
   * last facet of a column, the y axis left of the first of a row. Default: false.
   */
  readonly outer?: boolean;
}

/**
 * Facets in rows of `columns`.
 *
 * @param gapX Space between columns, as a fraction of the plot's width.
 * @param gapY Space between rows, as a fraction of its height.
 */
export function facets(count: number, columns: number, gapX: number, gapY: number): Facet[] {
  const rows = Math.ceil(count / columns);
  const width = (1 - gapX * (columns - 1)) / columns;
  const height = (1 - gapY * (rows - 1)) / rows;
  return Array.from({ length: count }, (_, i): Facet => {
    const [column, row] = [i % columns, Math.floor(i / columns)];
    const suffix = i === 0 ? "" : String(i + 1);
    const left = column * (width + gapX);
    const top = 1 - row * (height + gapY);
    const x = [left, Math.min(left + width, 1)] as const;
    const y = [Math.max(top - height, 0), top] as const;
    const ref = { xaxis: `x${suffix}`, yaxis: `y${suffix}` };
    const axis = (
      theme: Theme,
      { title, outer = false, ...extra }: FacetAxis,
      place: object,
      atEdge: boolean,
    ) =>
      axisOf(theme, outer && !atEdge ? "" : title, {
        ...place,
        ...(outer ? { showticklabels: atEdge } : {}),
        ...extra,
      });
    return {
      suffix,
      ref,
      x,
      y,
      axes: (theme, xAxis, yAxis) => ({
        [`xaxis${suffix}`]: axis(
          theme,
          xAxis,
          { anchor: ref.yaxis, ...(columns > 1 ? { domain: x } : {}) },
          i + columns >= count,
        ),
        [`yaxis${suffix}`]: axis(
          theme,
          yAxis,
          { anchor: ref.xaxis, ...(rows > 1 ? { domain: y } : {}) },
          column === 0,
        ),
      }),
    };
  });
}
