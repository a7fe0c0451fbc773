/** Where small panels of equal size stand in a figure. */
export interface PanelGrid {
  readonly columns: number;
  readonly rows: number;
  /** The axes of panel `i`: suffix of their names, and their domains. */
  place(i: number): {
    readonly suffix: string;
    readonly x: [number, number];
    readonly y: [number, number];
    readonly left: boolean;
    readonly bottom: boolean;
  };
}

/**
 * Panels in rows of `columns`.
 *
 * @param gapX Space between columns, as a fraction of the plot's width; `gapY` of its height.
 */
export function panelGrid(panels: number, columns: number, gapX: number, gapY: number): PanelGrid {
  const rows = Math.ceil(panels / columns);
  const width = (1 - gapX * (columns - 1)) / columns;
  const height = (1 - gapY * (rows - 1)) / rows;
  return {
    columns,
    rows,
    place(i) {
      const [column, row] = [i % columns, Math.floor(i / columns)];
      const x = column * (width + gapX);
      const top = 1 - row * (height + gapY);
      return {
        suffix: i === 0 ? "" : String(i + 1),
        x: [x, Math.min(x + width, 1)],
        y: [Math.max(top - height, 0), top],
        left: column === 0,
        bottom: i + columns >= panels,
      };
    },
  };
}
