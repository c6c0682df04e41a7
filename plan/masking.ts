import { isSecret, UNKNOWN } from "./record";

/** Stands for a secret in every artefact. */
export const MASK = "[secret]";
/** Stands for a value that only a real run knows. */
export const LATER = "[known after the run has started]";

/** A deep copy in which no secret is left; keys in order of code units where the program gave an object. */
export function masked(value: unknown): unknown {
  if (isSecret(value)) {
    return MASK;
  }
  if (value === UNKNOWN) {
    return LATER;
  }
  if (Array.isArray(value)) {
    return value.map(masked);
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, masked(child)]));
  }
  return value;
}
