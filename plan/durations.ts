import type { RecordedResource } from "./record";

/**
 * Rough durations in seconds for a first rebuild on the home hardware: what a step typically waits for. They order
 * and illustrate the plan and find the critical path; nothing else depends on them. Guesses until a rehearsal has
 * measured them, except those of plain objects, which were measured on a real engine (about 0.1 s each).
 */
const rules: readonly { type: RegExp; name?: RegExp; seconds: number }[] = [
  { type: /^pulumi-nodejs:dynamic/, seconds: 2 },
  { type: /^random:|^pulumi:providers:/, seconds: 0 },
  { type: /^b2:/, seconds: 5 },
  { type: /^command:remote:Command$/, name: /-vm-/, seconds: 60 },
  { type: /^command:remote:Command$/, name: /cloud-init/, seconds: 90 },
  { type: /^command:remote:Command$/, name: /packages/, seconds: 90 },
  { type: /^command:remote:Command$/, name: /gpu-driver/, seconds: 480 },
  { type: /^command:remote:Command$/, name: /kubeconfig/, seconds: 3 },
  { type: /^command:remote:Command$/, name: /^k3s-/, seconds: 60 },
  { type: /^command:remote:Command$/, name: /disks/, seconds: 30 },
  { type: /^command:remote:Command$/, name: /ready|gate|discovery/, seconds: 45 },
  { type: /^command:remote:Command$/, seconds: 15 },
  { type: /^kubernetes:helm\.sh\/v4:Chart$/, name: /^cilium$/, seconds: 90 },
  { type: /^kubernetes:helm\.sh\/v4:Chart$/, name: /^longhorn$/, seconds: 180 },
  { type: /^kubernetes:helm\.sh\/v4:Chart$/, name: /^authentik$/, seconds: 150 },
  { type: /^kubernetes:helm\.sh\/v4:Chart$/, name: /kube-prometheus/, seconds: 120 },
  { type: /^kubernetes:helm\.sh\/v4:Chart$/, seconds: 60 },
  { type: /^kubernetes:cert-manager\.io\/v1:Certificate$/, seconds: 60 },
  { type: /^kubernetes:gateway\.networking\.k8s\.io\/v1:Gateway$/, seconds: 15 },
];

/** A rough duration for one resource, in seconds. */
export function estimateSeconds(resource: Pick<RecordedResource, "type" | "name">): number {
  const rule = rules.find(({ type, name }) => type.test(resource.type) && (name?.test(resource.name) ?? true));
  return rule?.seconds ?? 1;
}

/** Minutes and seconds, for example 7:05. */
export function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.round(seconds) % 60).padStart(2, "0")}`;
}
