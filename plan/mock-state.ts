import { createHash } from "node:crypto";
import type { runtime } from "@pulumi/pulumi";

/**
 * What a provider would answer, as far as the plan needs it to show the program's work. Deterministic: generated
 * values follow from the resource's name and its keepers alone. They are marks, not secrets, and are masked all the same.
 */
export function mockState(args: runtime.MockResourceArgs): { id: string; state: Record<string, unknown> } {
  const inputs = args.inputs as Record<string, unknown>;
  const digest = createHash("sha256")
    .update(`${args.type} ${args.name}${inputs.keepers ? ` ${JSON.stringify(inputs.keepers)}` : ""}`)
    .digest();
  const id = `${args.name}-id`;
  switch (args.type) {
    case "random:index/randomPassword:RandomPassword": {
      const length = Number(inputs.length);
      return { id, state: { ...inputs, result: digest.toString("hex").repeat(4).slice(0, length) } };
    }
    case "random:index/randomBytes:RandomBytes": {
      const bytes = digest.subarray(0, Number(inputs.length));
      return { id, state: { ...inputs, base64: bytes.toString("base64"), hex: bytes.toString("hex") } };
    }
    case "random:index/randomId:RandomId": {
      const prefix = typeof inputs.prefix === "string" ? inputs.prefix : "";
      const hex = `${prefix}${digest.toString("hex").slice(0, Number(inputs.byteLength) * 2)}`;
      return { id, state: { ...inputs, hex } };
    }
    case "b2:index/bucket:Bucket":
      return { id, state: { ...inputs, bucketId: id } };
    case "b2:index/applicationKey:ApplicationKey":
      return { id, state: { ...inputs, applicationKeyId: id, applicationKey: digest.toString("hex").slice(0, 31) } };
    case "pulumi-nodejs:dynamic/homelab:HostState":
      // A step reaches its expected state, or the run stops there.
      return { id, state: { ...inputs, facts: inputs.expected } };
    default:
      return { id, state: inputs };
  }
}
