import { randomBytes, randomInt, randomUUID } from "node:crypto";
import type { Done, Executor } from "./executor";

type Inputs = Record<string, unknown>;

/** Makes a value once and keeps it for as long as its inputs stay: any other input means another value. */
const once =
  (make: (inputs: Inputs) => { id: string; outputs: Inputs }): Executor =>
  ({ inputs }, old, { unchanged }) => {
    if (old && unchanged && old.pending !== true) {
      return Promise.resolve({ outcome: "same", id: old.id, outputs: old.outputs });
    }
    const { id, outputs } = make(inputs);
    const done: Done = { outcome: old ? "updated" : "created", id, outputs: { ...inputs, ...outputs } };
    return Promise.resolve(done);
  };

const CLASSES = [
  { name: "lower", characters: "abcdefghijklmnopqrstuvwxyz", least: "minLower" },
  { name: "upper", characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", least: "minUpper" },
  { name: "numeric", characters: "0123456789", least: "minNumeric" },
  { name: "special", characters: "!@#$%&*()-_=+[]{}<>:?", least: "minSpecial" },
] as const;

/** Random text by the rules of RandomPassword and RandomString: every class is in unless it is switched off. */
export function randomText(inputs: Inputs): string {
  const classes = CLASSES.filter(({ name }) => inputs[name] !== false).map(({ name, characters, least }) => ({
    characters: name === "special" && typeof inputs.overrideSpecial === "string" ? inputs.overrideSpecial : characters,
    least: Number(inputs[least] ?? 0),
  }));
  const pick = (characters: string) => characters[randomInt(characters.length)];
  const all = classes.map(({ characters }) => characters).join("");
  const text = classes.flatMap(({ characters, least }) => Array.from({ length: least }, () => pick(characters)));
  while (text.length < Number(inputs.length)) {
    text.push(pick(all));
  }
  for (let index = text.length - 1; index > 0; index--) {
    const other = randomInt(index + 1);
    [text[index], text[other]] = [text[other], text[index]];
  }
  return text.join("");
}

function text(inputs: Inputs): { id: string; outputs: Inputs } {
  return { id: "none", outputs: { result: randomText(inputs) } };
}

/** By type, the resources of @pulumi/random that this program uses, and their nearest relatives. */
export const randomExecutors: Readonly<Record<string, Executor>> = {
  "random:index/randomPassword:RandomPassword": once(text),
  "random:index/randomString:RandomString": once((inputs) => {
    const { outputs } = text(inputs);
    return { id: String(outputs.result), outputs };
  }),
  "random:index/randomBytes:RandomBytes": once(({ length }) => {
    const bytes = randomBytes(Number(length));
    return { id: "none", outputs: { base64: bytes.toString("base64"), hex: bytes.toString("hex") } };
  }),
  "random:index/randomId:RandomId": once(({ byteLength, prefix }) => {
    const bytes = randomBytes(Number(byteLength));
    const before = typeof prefix === "string" ? prefix : "";
    return {
      id: bytes.toString("base64url"),
      outputs: {
        hex: `${before}${bytes.toString("hex")}`,
        dec: `${before}${BigInt(`0x${bytes.toString("hex")}`)}`,
        b64Std: `${before}${bytes.toString("base64")}`,
        b64Url: `${before}${bytes.toString("base64url")}`,
      },
    };
  }),
  "random:index/randomUuid:RandomUuid": once(() => {
    const result = randomUUID();
    return { id: result, outputs: { result } };
  }),
};
