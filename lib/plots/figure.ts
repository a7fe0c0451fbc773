/** A plotly figure: the traces and the layout, as plain JSON. */
export interface Figure {
  /** Plotly's traces. */
  readonly data: readonly object[];
  /** Plotly's layout: size in pixels, axes, legend, notes. */
  readonly layout: Readonly<Record<string, unknown>>;
}
