/** A named field that takes one file. */
export function FileField(props: {
  readonly label: string;
  /** Ending that is offered, such as `.csv`. */
  readonly accept: string;
  readonly onFile: (file: File) => void;
}) {
  const { label, accept, onFile } = props;
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="file"
        accept={accept}
        onChange={({ currentTarget }) => {
          const [file] = currentTarget.files ?? [];
          currentTarget.value = "";
          if (file) onFile(file);
        }}
      />
    </label>
  );
}
