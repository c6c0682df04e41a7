import type { Check } from "./check";

/** Every cross-check of the configuration. Each runs as soon as the sections it needs are sound by themselves. */
export const allChecks: readonly Check[] = [];
