/** A plotly figure: the traces and the layout, as plain JSON. */
export interface Figure {
  readonly data: readonly object[];
  readonly layout: Readonly<Record<string, unknown>>;
}
