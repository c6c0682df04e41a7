import type { HouseCheck } from "../check";

/** What only the owner knows and has not written down yet. Checks that need one of the values say so themselves. */
export const configurationChecks: readonly HouseCheck[] = [
  {
    scope: "house",
    name: "configuration.placeholders",
    layer: "configuration",
    why: "`pulumi up` refuses a configuration with placeholders, and what is not known cannot be checked",
    needs: [],
    judge: ({ house: { homelab, whole, targets } }) => {
      const placeholders = homelab.placeholders.filter(
        ({ path }) => whole || targets.some(({ name }) => path.startsWith(`machines.${name}.`)),
      );
      return placeholders.length === 0
        ? [{ severity: "ok", found: "every value is filled in", expected: "no FILL_ME" }]
        : placeholders.map(({ path, hint }) => ({
            severity: "warning",
            item: path,
            found: "a placeholder",
            expected: "the real value",
            next: hint || "Pulumi.yaml describes the key",
          }));
    },
  },
];
