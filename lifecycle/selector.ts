import type { LabelSelector } from "./facts";

/**
 * Whether labels satisfy a selector, by the rules of the API (meta/v1 LabelSelector): every part must hold, an empty
 * selector holds for everything, none at all for nothing.
 */
export function selects(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  if (selector === undefined) {
    return false;
  }
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const present = Object.hasOwn(labels, key);
      switch (operator) {
        case "In":
          return present && values.includes(labels[key]);
        case "NotIn":
          return !present || !values.includes(labels[key]);
        case "Exists":
          return present;
        case "DoesNotExist":
          return !present;
        default:
          throw new Error(`a label selector has the unknown operator '${operator}'`);
      }
    })
  );
}
