import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";

/** Annotation of a pod that names the version of the secrets it was started with. */
export const SECRET_HASH_ANNOTATION = "homelab/secret-hash";

/**
 * A digest of secret values, for a pod annotation: charts hash only the Secrets that they render themselves, so without
 * it a pod would keep a rotated secret's old value. The digest is no secret; the values must be too long to be guessed.
 */
export function secretHash(...values: pulumi.Input<string>[]): pulumi.Output<string> {
  return pulumi.unsecret(
    pulumi.all(values).apply((plain) => createHash("sha256").update(JSON.stringify(plain)).digest("hex").slice(0, 16)),
  );
}
