import { useRef } from "preact/hooks";

/** Buttons that take many files, or a folder with all that is in it. */
export function FilePicker({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const onChange = ({ currentTarget }: { currentTarget: HTMLInputElement }) => {
    const chosen = [...(currentTarget.files ?? [])].filter(({ name }) => !name.startsWith("."));
    currentTarget.value = "";
    if (chosen.length > 0) onFiles(chosen);
  };
  return (
    <div class="row">
      <button type="button" class="main" onClick={() => folder.current?.click()}>
        Open a folder …
      </button>
      <button type="button" onClick={() => files.current?.click()}>
        Open pictures …
      </button>
      <input ref={files} type="file" hidden multiple aria-label="Pictures" onChange={onChange} />
      <input
        ref={folder}
        type="file"
        hidden
        multiple
        {...{ webkitdirectory: true }}
        aria-label="A folder"
        onChange={onChange}
      />
    </div>
  );
}
