/** Stands for a secret in everything that is shown. */
const MASK = "[secret]";
/** A shorter text would be found in places where it is no secret. */
const SHORTEST = 6;
/** A user's or a database's name, which stands beside a password: masked, it would be missing all over the report. */
const NAME = /^[a-z]+(-[a-z]+)*$/;

/** Remembers secrets, to keep them out of messages. */
export class Masking {
  private readonly known = new Set<string>();

  /**
   * Takes passwords, tokens and keys in PEM. Of other texts over several lines, a script that was handed a secret, only the
   * secret itself is one, and it is known from where it was generated.
   */
  public add(secrets: Iterable<string>): void {
    for (const secret of secrets) {
      const lines = secret.trim().split("\n");
      if (lines.length === 1 || lines[0].startsWith("-----BEGIN")) {
        lines.filter((line) => line.length >= SHORTEST && !NAME.test(secret)).forEach((line) => this.known.add(line));
      }
    }
  }

  public mask(text: string): string {
    return [...this.known]
      .sort((one, other) => other.length - one.length)
      .reduce((masked, secret) => (masked.includes(secret) ? masked.replaceAll(secret, MASK) : masked), text);
  }
}
