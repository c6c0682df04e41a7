/**
 * One mistake in the stack's configuration, said so that its author can repair it without reading our code.
 */
export interface ConfigIssue {
  /** Key path below the project's namespace, for example `machines.k3s1.address`. */
  path: string;
  /** What stands there now, already shortened and never a secret. */
  found: string;
  /** What is allowed there. */
  allowed: string;
  /** The next thing to do. */
  fix: string;
}

/** Every mistake of a configuration at once. Thrown before anything is registered; printed without a stack. */
export class ConfigError extends Error {
  public readonly issues: readonly ConfigIssue[];

  public constructor(issues: readonly ConfigIssue[]) {
    super(formatIssues(issues));
    this.name = "ConfigError";
    this.issues = issues;
    // The author of a config file is helped by the list, not by our call stack.
    this.stack = this.message;
  }
}

/** Prints each issue as key path, value found, what is allowed and how to fix it. */
function formatIssues(issues: readonly ConfigIssue[]): string {
  const count = issues.length === 1 ? "1 mistake" : `${issues.length} mistakes`;
  const blocks = issues.map((issue) =>
    [
      `  ${issue.path}`,
      `    found:   ${issue.found}`,
      `    allowed: ${issue.allowed}`,
      `    fix:     ${issue.fix}`,
    ].join("\n"),
  );
  return [`The configuration has ${count}; nothing was touched.`, ...blocks].join("\n\n");
}

/** A config value as it is shown in an error: one line, at most 100 characters. Never call it on secrets. */
export function show(value: unknown): string {
  if (value === undefined) {
    return "nothing";
  }
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}
