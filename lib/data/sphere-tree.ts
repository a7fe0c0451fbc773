/** A k-d tree of directions on the sky, as unit vectors; all in flat arrays. */
export class SphereTree {
  /** Rows in the order of the tree: the middle of each range is its node. */
  private readonly order: Uint32Array;

  /** @param vectors x, y, z of each row, one after another. */
  constructor(private readonly vectors: Float64Array) {
    this.order = Uint32Array.from({ length: vectors.length / 3 }, (_, i) => i);
    this.split(0, this.order.length, 0);
  }

  /**
   * Visit every row within a chord of a direction.
   *
   * @param reach Squared length of the chord; the visitor's answer, if any, becomes the new one.
   */
  visit(
    x: number,
    y: number,
    z: number,
    reach: number,
    found: (row: number, squared: number) => number,
  ): void {
    const { vectors, order } = this;
    const stack = [0, order.length, 0];
    let limit = reach;
    while (stack.length > 0) {
      const axis = stack.pop() ?? 0;
      const to = stack.pop() ?? 0;
      const from = stack.pop() ?? 0;
      if (from >= to) continue;
      const middle = (from + to) >> 1;
      const at = order[middle] * 3;
      const dx = vectors[at] - x;
      const dy = vectors[at + 1] - y;
      const dz = vectors[at + 2] - z;
      const squared = dx * dx + dy * dy + dz * dz;
      if (squared <= limit) limit = found(order[middle], squared);
      const across = axis === 0 ? dx : axis === 1 ? dy : dz;
      const next = axis === 2 ? 0 : axis + 1;
      // The nearer side last: it is looked at first and may shrink the reach.
      if (across > 0) {
        if (across * across <= limit) stack.push(middle + 1, to, next);
        stack.push(from, middle, next);
      } else {
        if (across * across <= limit) stack.push(from, middle, next);
        stack.push(middle + 1, to, next);
      }
    }
  }

  private split(from: number, to: number, axis: number): void {
    if (to - from < 2) return;
    const middle = (from + to) >> 1;
    this.select(from, to - 1, middle, axis);
    const next = axis === 2 ? 0 : axis + 1;
    this.split(from, middle, next);
    this.split(middle + 1, to, next);
  }

  /** Bring the row that belongs to place `k` there, smaller ones before it (Hoare 1961). */
  private select(left: number, right: number, k: number, axis: number): void {
    const { vectors, order } = this;
    while (left < right) {
      const pivot = vectors[order[(left + right) >> 1] * 3 + axis];
      let i = left;
      let j = right;
      while (i <= j) {
        while (vectors[order[i] * 3 + axis] < pivot) i++;
        while (vectors[order[j] * 3 + axis] > pivot) j--;
        if (i <= j) {
          const row = order[i];
          order[i++] = order[j];
          order[j--] = row;
        }
      }
      if (k <= j) right = j;
      else if (k >= i) left = i;
      else return;
    }
  }
}
