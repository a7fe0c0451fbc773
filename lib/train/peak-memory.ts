/** The most memory that this process had at the moments at which it was looked. */
export class PeakMemory {
  /** Resident memory, bytes. */
  bytes: number = process.memoryUsage.rss();

  /** Look now. */
  look(): void {
    this.bytes = Math.max(this.bytes, process.memoryUsage.rss());
  }
}
