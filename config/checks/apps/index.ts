import type { Check } from "../check";
import { accessChecks } from "./access";
import { appCapacityChecks } from "./capacity";
import { containerChecks } from "./container";
import { appFieldChecks } from "./fields";
import { gpuChecks } from "./gpu-shares";
import { mountChecks } from "./mounts";
import { nameChecks } from "./names";
import { placementChecks } from "./placement";

export const appChecks: readonly Check[] = [
  ...nameChecks,
  ...accessChecks,
  ...containerChecks,
  ...placementChecks,
  ...gpuChecks,
  ...mountChecks,
  ...appFieldChecks,
  ...appCapacityChecks,
];
