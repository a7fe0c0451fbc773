/** A slider with its name and value. */
export function Range(props: {
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly value: number;
  /** After the number. Default: nothing. */
  readonly unit?: string;
  readonly onInput: (value: number) => void;
}) {
  const { label, unit = "", value, onInput, ...bounds } = props;
  const digits = props.step < 0.1 ? 2 : props.step < 1 ? 1 : 0;
  const text = `${value.toFixed(digits)}${unit}`;
  return (
    <label class="field">
      <span>{label}</span>
      <span class="value">{text}</span>
      <input
        type="range"
        {...bounds}
        value={value}
        aria-valuetext={text}
        onInput={({ currentTarget }) => onInput(currentTarget.valueAsNumber)}
      />
    </label>
  );
}
