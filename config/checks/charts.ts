import * as table from "../compatibility";
import { defaultPins, type ChartName } from "../pins";
import { ofEach, ofRules } from "../readable";
import { compareVersions, line, lineWithin, version } from "../version";
import { issueIf, type Check } from "./check";
import { chartPath, kubernetes, unknownLine, untestedKubernetes } from "./release";

const certManager: Check = {
  name: "cert-manager goes with Kubernetes",
  run({ versions }) {
    const found = versions.charts.certManager;
    const span = table.certManagerKubernetes[line(version(found))];
    return span
      ? untestedKubernetes("certManager", versions, span)
      : [unknownLine("certManager", found, Object.keys(table.certManagerKubernetes).join(", "))];
  },
};

const longhorn: Check = {
  name: "Longhorn goes with Kubernetes",
  run({ versions }) {
    const found = versions.charts.longhorn;
    const minimum = table.longhornMinimum[line(version(found))];
    if (minimum === undefined) {
      return [unknownLine("longhorn", found, Object.keys(table.longhornMinimum).join(", "))];
    }
    return issueIf(compareVersions(kubernetes(versions), version(`${minimum}.0`)) < 0, () => ({
      path: chartPath("longhorn"),
      found: `${found} with Kubernetes ${line(kubernetes(versions))}`,
      allowed: `Kubernetes ${minimum} or newer`,
      fix: "take an older Longhorn line, or upgrade K3s first",
    }));
  },
};

const prometheusOperator: Check = {
  name: "the operator's CRDs are those of kube-prometheus-stack",
  run({ versions }) {
    const chart = versions.charts.kubePrometheusStack;
    const operator = table.operatorOfPrometheusStack[String(version(chart).major)];
    if (operator === undefined) {
      const known = Object.keys(table.operatorOfPrometheusStack).join(", ");
      return [unknownLine("kubePrometheusStack", chart, `chart ${known}`)];
    }
    const crds = versions.prometheusOperatorCrds.version;
    return issueIf(line(version(crds)) !== operator, () => ({
      path: "versions.prometheusOperatorCrds.version",
      found: crds,
      allowed: `v${operator}.x, the operator of kube-prometheus-stack ${chart}`,
      fix: `take ${defaultPins.prometheusOperator} and its sha256 with chart ${defaultPins.charts.kubePrometheusStack}`,
    }));
  },
};

const authentik: Check = {
  name: "Authentik is of a line that the blueprints are written for",
  run({ versions }) {
    const found = versions.charts.authentik;
    const [first, last] = table.authentikLines;
    return issueIf(!lineWithin(version(found), first, last), () => ({
      path: chartPath("authentik"),
      found,
      allowed: `${first} to ${last}: older ones bring Redis, newer ones refuse the grants of providers made by blueprint without grant_types`,
      fix: `take ${defaultPins.charts.authentik}`,
    }));
  },
};

const otherCharts: Check = {
  name: "charts are of lines that the values are written for",
  run({ versions }) {
    return ofEach(table.writtenFor, ([first, last], name) => {
      const chart = name as keyof typeof table.writtenFor;
      const found = versions.charts[chart];
      const known = first === last ? first : `${first} to ${last}`;
      return issueIf(!lineWithin(version(found), first, last), () => unknownLine(chart, found, known));
    });
  },
};

const publishersForm: Check = {
  name: "versions are written as their publishers write them",
  run({ versions }) {
    const judge = (path: string, found: string, sample: string) =>
      issueIf(found.startsWith("v") !== sample.startsWith("v"), () => ({
        path,
        found,
        allowed: `a version ${sample.startsWith("v") ? "with" : "without"} a leading v, as it is published`,
        fix: `write it like ${sample}`,
      }));
    const crds = "versions.prometheusOperatorCrds.version";
    return ofRules(
      () =>
        ofEach(defaultPins.charts, (sample, name) => {
          const chart = name as ChartName;
          return judge(chartPath(chart), versions.charts[chart], sample);
        }),
      () => judge("versions.gatewayApi.version", versions.gatewayApi.version, "v1.1.0"),
      () => judge(crds, versions.prometheusOperatorCrds.version, defaultPins.prometheusOperator),
    );
  },
};

export const chartChecks: readonly Check[] = [
  certManager,
  longhorn,
  prometheusOperator,
  authentik,
  otherCharts,
  publishersForm,
];
