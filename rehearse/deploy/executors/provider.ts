import { randomUUID } from "node:crypto";
import type { Executor } from "./executor";

/** Inputs that make another provider of it, so that everything it has made is made anew. */
const IDENTITY: Readonly<Record<string, readonly string[]>> = {
  "pulumi:providers:kubernetes": ["clusterIdentifier"],
};

/** A provider is nothing but an identity here; who uses it asks for its inputs. */
export const providerExecutor: Executor = ({ type, inputs }, old, { unchanged }) => {
  const identity = IDENTITY[type] ?? [];
  const replaced = identity.some((key) => old?.outputs[key] !== inputs[key]);
  const id = old && !replaced ? old.id : randomUUID();
  return Promise.resolve({ outcome: !old ? "created" : unchanged ? "same" : "updated", id, outputs: inputs });
};
