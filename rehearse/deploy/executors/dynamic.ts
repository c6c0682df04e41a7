import { createRequire } from "node:module";
import * as path from "node:path";
import { compileFunction } from "node:vm";
import type { Executor } from "./executor";

type Props = Record<string, unknown>;

/** A dynamic provider as the engine sees it (pulumi/pulumi sdk/nodejs/cmd/dynamic-provider/index.ts). */
interface Provider {
  create(inputs: Props): Promise<{ id: string; outs?: Props }>;
  read?(id: string, props: Props): Promise<{ id?: string; props?: Props }>;
  diff?(id: string, olds: Props, news: Props): Promise<{ changes?: boolean; replaces?: string[] }>;
  update?(id: string, olds: Props, news: Props): Promise<{ outs?: Props } | undefined>;
}

/**
 * Dynamic resources by their own provider: the serialized code that the program registers with each, run as the engine
 * runs it. With unchanged inputs it is read and compared, so what drifted since is found, named and updated.
 */
export const dynamicExecutor: Executor = async ({ type, inputs: registered }, old, context) => {
  const { folder, unchanged, waiting, signal } = context;
  const { __provider: code, ...inputs } = registered;
  const provider = load(String(code), folder);
  waiting(type.endsWith(":HostLogin") ? "the machine to let us in" : "the machine to show its state");
  if (!old || old.pending === true) {
    const { id, outs = inputs } = await unlessAborted(() => provider.create(inputs), signal);
    return { outcome: "created", id, outputs: outs };
  }
  const read = (await unlessAborted(() => provider.read?.(old.id, old.outputs), signal)) ?? {};
  const seen = read.props ?? old.outputs;
  const { changes = !unchanged } = (await provider.diff?.(old.id, seen, inputs)) ?? {};
  if (!changes) {
    return { outcome: "same", id: old.id, outputs: seen };
  }
  const message = driftOf(inputs, seen);
  waiting(message === undefined ? "the step's changes to take effect" : `the repair of what drifted (${message})`);
  const { outs = inputs } = (await unlessAborted(() => provider.update?.(old.id, seen, inputs), signal)) ?? {};
  return { outcome: "updated", id: old.id, outputs: outs, message };
};

/** A provider knows of no signal: what it is at goes on behind the run's back, which no longer waits for it. */
async function unlessAborted<T>(act: () => T, signal: AbortSignal): Promise<Awaited<T>> {
  signal.throwIfAborted();
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", abort);
  });
  try {
    return await Promise.race([act(), aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** What is not as expected, in words; undefined if the resource says nothing of facts or they are as expected. */
export function driftOf(inputs: Props, seen: Props): string | undefined {
  const { expected } = inputs as { expected?: Record<string, string> };
  const { facts = {}, machine } = seen as { facts?: Record<string, string>; machine?: string };
  const wrong = Object.entries(expected ?? {})
    .filter(([name, value]) => facts[name] !== value)
    .map(([name, value]) => `${name} was '${facts[name] ?? "unknown"}', should be '${value}'`);
  return wrong.length === 0 ? undefined : `drift${machine === undefined ? "" : ` of ${machine}`}: ${wrong.join("; ")}`;
}

const loaded = new Map<string, Provider>();

function load(code: string, folder: string): Provider {
  let provider = loaded.get(code);
  if (!provider) {
    const module = { exports: {} as { handler?: () => Provider } };
    const run = compileFunction(code, ["exports", "require", "module"], { filename: "dynamic-provider.js" }) as (
      ...given: unknown[]
    ) => void;
    run(module.exports, createRequire(path.join(folder, "package.json")), module);
    if (!module.exports.handler) {
      throw new Error("the program registered a dynamic resource without a provider");
    }
    provider = module.exports.handler();
    loaded.set(code, provider);
  }
  return provider;
}
