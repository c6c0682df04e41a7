/** A moment after which nobody is waited for any more, whatever they are doing. */
export class Deadline {
  private readonly end: number;

  public constructor(milliseconds: number) {
    this.end = performance.now() + milliseconds;
  }

  /** Milliseconds that are left, never negative. */
  public left(): number {
    return Math.max(0, this.end - performance.now());
  }

  /** An earlier one, or this one if it is earlier still. */
  public within(milliseconds: number): Deadline {
    return new Deadline(Math.min(milliseconds, this.left()));
  }

  /** What the work gives, or the other value at the deadline; the work is then left to itself. Errors pass. */
  public async orElse<T>(work: Promise<T>, late: T): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const alarm = new Promise<T>((resolve) => (timer = setTimeout(() => resolve(late), this.left())));
    try {
      return await Promise.race([work, alarm]);
    } finally {
      clearTimeout(timer);
    }
  }
}
