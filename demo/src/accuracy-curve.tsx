/** Accuracies by number of labels. */
export type AccuracyPoints = readonly { readonly labels: number; readonly accuracy: number }[];

/** Accuracy by number of labels. */
export function AccuracyCurve({ points }: { readonly points: AccuracyPoints }) {
  if (points.length < 2) return null;
  const [first] = points;
  const last = points[points.length - 1];
  const x = (n: number) => (200 * (n - first.labels)) / Math.max(1, last.labels - first.labels);
  const line = points.map((p) => `${x(p.labels)},${60 - 60 * p.accuracy}`).join(" ");
  return (
    <svg
      class="curve"
      viewBox="-2 -2 204 64"
      role="img"
      aria-label={`Accuracy from ${first.labels} to ${last.labels} labels`}
    >
      <polyline points={line} />
    </svg>
  );
}
