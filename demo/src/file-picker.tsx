import { useEffect, useRef, useState } from "preact/hooks";
import { mapParallel } from "#lib/core/parallel";
import { sentence } from "./network";

/** Pictures that are asked for at the same time. */
const TOGETHER = 8;

/** Pictures that whoever serves the page offers: `?pictures=FOLDER/` in the address. */
function useOffered() {
  const folder = new URLSearchParams(location.search).get("pictures");
  const [ids, setIds] = useState<readonly string[]>([]);
  useEffect(() => {
    if (folder === null) return;
    fetch(new URL("index.json", new URL(folder, location.href)))
      .then((response) => response.json())
      .then(setIds)
      .catch((error) => console.warn(sentence(error)));
  }, [folder]);
  const read = (index: number) =>
    fetch(new URL(`${index}.png`, new URL(folder ?? "", location.href)))
      .then((response) => response.blob())
      .then((blob) => new File([blob], ids[index], { type: blob.type }));
  return { ids, read };
}

/** Buttons that take many files, or a folder with all that is in it. */
export function FilePicker({ onFiles }: { readonly onFiles: (files: readonly File[]) => void }) {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const offered = useOffered();
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
      {offered.ids.length > 0 && (
        <button
          type="button"
          onClick={async () =>
            onFiles(await mapParallel(offered.ids, TOGETHER, (_, i) => offered.read(i)))
          }
        >
          Open the notebook's {offered.ids.length}
        </button>
      )}
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
