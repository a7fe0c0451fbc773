/**
 * Files and the network: tables, weights, arrays, downloads, and where a project's files lie.
 *
 * @module tuning-fork/io
 */
export { type AtomicOptions, atomicPath, atomicPathSync, writeFileAtomic } from "../io/atomic";
export { csvHeader, type ReadCsvFileOptions, readCsv } from "../io/csv";
export {
  type ColumnType,
  type CsvTable,
  parseCsv,
  type ReadCsvOptions,
  type WantedColumns,
} from "../io/csv-table";
export { formatCsv } from "../io/csv-text";
export { sha256 } from "../io/digests";
export { download } from "../io/download";
export type { DownloadOptions, DownloadProgress } from "../io/download-attempt";
export { acquireLock, type LockOptions, withLock } from "../io/lock";
export { encodeNpy } from "../io/npy";
export { openParquet, type ParquetFile, type ParquetRows } from "../io/parquet-read";
export { type StoredType, type WriteParquetOptions, writeParquet } from "../io/parquet-write";
export { dataFolder, findPath, projectFolder, resultsFolder } from "../io/paths";
export {
  SafetensorsFile,
  type TensorSource,
  writeSafetensors,
} from "../io/safetensors";
export type { TensorEntry, TensorToWrite } from "../io/safetensors-header";
