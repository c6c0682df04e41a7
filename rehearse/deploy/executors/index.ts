import { BACKBLAZE } from "../backblaze";
import type { Registration } from "../registration";
import { chart } from "./chart";
import { localCommand, remoteCommand } from "./command";
import { dynamicExecutor } from "./dynamic";
import type { Executor } from "./executor";
import { kubernetesObject } from "./kubernetes";
import { providerExecutor } from "./provider";
import { randomExecutors } from "./random";

const byType: Readonly<Record<string, Executor>> = {
  ...randomExecutors,
  "command:remote:Command": remoteCommand,
  "command:local:Command": localCommand,
  "kubernetes:helm.sh/v4:Chart": chart,
};

/** Types that a rehearsal cannot have, with the reason. */
const ABSENT: readonly { type: RegExp; reason: string }[] = [
  { type: /^b2:/, reason: BACKBLAZE },
  { type: /^kubernetes:(helm\.sh\/v3|yaml|kustomize)/, reason: "the harness makes no resource of this type" },
];

/** Who makes a resource, or why nobody does. */
export function executorOf({ type }: Pick<Registration, "type">): Executor | { notRehearsed: string } {
  const absent = ABSENT.find((entry) => entry.type.test(type));
  if (absent) {
    return { notRehearsed: absent.reason };
  }
  const exact = (byType as Record<string, Executor | undefined>)[type];
  if (exact) {
    return exact;
  }
  if (type.startsWith("pulumi:providers:")) {
    return providerExecutor;
  }
  if (type.startsWith("pulumi-nodejs:dynamic")) {
    return dynamicExecutor;
  }
  if (type.startsWith("kubernetes:")) {
    return kubernetesObject;
  }
  return { notRehearsed: `the harness makes no resource of type ${type}` };
}
