import { isMap, isPair, isScalar, LineCounter, parseDocument, visit } from "yaml";
import type { Machine } from "../config/homelab";

export interface StackLines {
  /** First and last line of the machine's own section, counted from 1. */
  readonly section: { readonly from: number; readonly to: number };
  /** Other lines that say its name or address. */
  readonly mentions: readonly { readonly line: number; readonly text: string }[];
}

/**
 * Which lines of a stack file belong to a machine, and which others speak of it.
 *
 * @param text of Pulumi.<stack>.yaml.
 * @returns undefined if the file has no such machine.
 */
export function stackLines(text: string, { name, address }: Machine): StackLines | undefined {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter });
  let section: StackLines["section"] | undefined;
  visit(document, {
    Pair(_key, pair, ancestors) {
      const above = ancestors.filter(isPair).map(({ key }) => (isScalar(key) ? String(key.value) : ""));
      if (above.at(-1) !== "homelab:machines" || !isScalar(pair.key) || pair.key.value !== name || !isMap(pair.value)) {
        return;
      }
      const [start] = pair.key.range ?? [0];
      const end = pair.value.range?.[1] ?? start;
      section = { from: counter.linePos(start).line, to: counter.linePos(lastText(text, end)).line };
    },
  });
  if (!section) {
    return undefined;
  }
  const { from, to } = section;
  const word = new RegExp(
    `(?<![\\w.-])(${[name, address].map((one) => one.replaceAll(".", "\\.")).join("|")})(?![\\w.-])`,
  );
  const mentions = text
    .split("\n")
    .map((line, index) => ({ line: index + 1, text: line.trim() }))
    .filter(({ line, text: content }) => (line < from || line > to) && word.test(content));
  return { section, mentions };
}

/** Offset of the last character before `end` that is no white space. */
function lastText(text: string, end: number): number {
  return Math.max(text.slice(0, end).trimEnd().length - 1, 0);
}
