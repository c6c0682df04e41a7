import { createHash } from "node:crypto";
import { canonical } from "../../plan/canonical";

/** sha256 of plain data, the same whatever the order of its keys. */
export function digest(value: unknown): string {
  return createHash("sha256").update(canonical(value)).digest("hex");
}
