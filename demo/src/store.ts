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

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore(PROJECT);
    request.result.createObjectStore(PICTURES, { keyPath: "id" });
  };
  return result(request);
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function change(name: string, act: (store: IDBObjectStore) => void): Promise<void> {
  const database = await open();
  const transaction = database.transaction(name, "readwrite");
  act(transaction.objectStore(name));
  await new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
  database.close();
}

/** What an earlier visit left. */
export async function readKept(): Promise<Kept> {
  const database = await open();
  const transaction = database.transaction([PROJECT, PICTURES]);
  const [project, pictures] = await Promise.all([
    result(transaction.objectStore(PROJECT).get("project")),
    result(transaction.objectStore(PICTURES).getAll()),
  ]);
  database.close();
  return { project, pictures };
}

/** Keep the question and its labels. */
export const keepProject = (project: Project) =>
  change(PROJECT, (store) => void store.put(project, "project"));

/** Keep pictures, those of the same name are replaced, and let others go. */
export const keepPictures = (
  pictures: readonly StoredPicture[],
  gone: readonly StoredPicture[] = [],
) =>
  change(PICTURES, (store) => {
    for (const { id } of gone) store.delete(id);
    for (const picture of pictures) store.put(picture);
  });
