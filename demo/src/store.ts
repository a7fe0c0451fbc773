/** One picture that is being labeled. */
export interface StoredPicture {
  /** Its file's name. */
  readonly id: string;
  readonly file: File;
  /** What the network's last layer sees of it. */
  readonly features: Float32Array;
}

/** A question and what has been answered. */
export interface Project {
  readonly question: string;
  readonly answers: readonly string[];
  /** Labels in the order in which they were given, index into the answers. */
  readonly labels: readonly { readonly id: string; readonly answer: number }[];
}

/** What a visit leaves for the next one. */
export interface Kept {
  readonly project?: Project;
  readonly pictures: readonly StoredPicture[];
}

const [DATABASE, PROJECT, PICTURES] = ["tuning-fork", "project", "pictures"];

let opened: Promise<IDBDatabase> | undefined;

/** The database; opened once, so that what is kept is on its way before the page can be left. */
function open(): Promise<IDBDatabase> {
  if (opened !== undefined) return opened;
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(PROJECT);
    request.result.createObjectStore(PICTURES, { keyPath: "id" });
  };
  opened = result(request);
  // Another attempt may go better.
  opened.catch(() => {
    opened = undefined;
  });
  return opened;
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** What an earlier visit left. */
export async function readKept(): Promise<Kept> {
  const database = await open();
  const transaction = database.transaction([PROJECT, PICTURES]);
  const [project, pictures] = await Promise.all([
    result(transaction.objectStore(PROJECT).get("project")),
    result(transaction.objectStore(PICTURES).getAll()),
  ]);
  return { project, pictures };
}

/** Keep the question and its labels, and pictures, those of the same name are replaced; let others go. All of it or nothing. */
export async function keep(
  project: Project,
  pictures: readonly StoredPicture[],
  gone: readonly StoredPicture[],
): Promise<void> {
  const database = await open();
  const transaction = database.transaction([PROJECT, PICTURES], "readwrite");
  transaction.objectStore(PROJECT).put(project, "project");
  const store = transaction.objectStore(PICTURES);
  for (const { id } of gone) store.delete(id);
  for (const picture of pictures) store.put(picture);
  transaction.commit();
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
}
