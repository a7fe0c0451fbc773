/** A class's name as a folder: `barred_spiral`. */
export function classFolder(name: string): string {
  const plain = name
    .normalize("NFC")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}-]+/gu, "_")
    .replace(/^_+|_+$/g, "");
  return plain === "" ? fileSafe(name) : plain;
}

/**
 * Folders of classes, one a class: those whose plain names would be one folder (`Sa`, `Sa?`) keep
 * their own names, and where these differ in case only a number is added.
 */
export function classFolders(names: readonly string[]): string[] {
  const plain = names.map(classFolder);
  const taken = new Set<string>();
  return names.map((name, i) => {
    const alone = plain.indexOf(plain[i]) === plain.lastIndexOf(plain[i]);
    const wanted = alone ? plain[i] : fileSafe(name.normalize("NFC"));
    let folder = wanted;
    for (let n = 2; taken.has(folder.toLowerCase()); n++) folder = `${wanted}_${n}`;
    taken.add(folder.toLowerCase());
    return folder;
  });
}

/** A name without what no file may be called, or what leads out of the folder. */
function fileSafe(name: string): string {
  const safe = name.trim().replace(/[/\\\p{Cc}]/gu, (sign) => encodeURIComponent(sign));
  return /^\.*$/.test(safe) ? `class${safe.replaceAll(".", "_")}` : safe;
}
