/**
 * Which releases go together. A chart's own `kubeVersion` refuses nothing of this, and an unknown chart value is ignored
 * without a word, so the program says it before anything is touched. To move to a line that is not listed: read its
 * release notes and its values, adapt the component, run the contract tests against its values, then add it here.
 *
 * Lines are major.minor; a span names its first and last line, both included.
 */
export type Span = readonly [first: string, last: string];

export interface CiliumLine {
  /** Kubernetes lines that Cilium tests with (Documentation/network/kubernetes/compatibility.rst). */
  kubernetes: Span;
  /** Gateway API lines whose CRDs pass the operator's check (operator/pkg/gateway-api/cell.go). */
  gatewayApi: Span;
  /**
   * The operator insists on versions that only the experimental channel serves: GRPCRoute v1alpha2 (listed but not served
   * in the standard channel) up to 1.15, TLSRoute v1alpha2 up to 1.16.
   */
  experimentalChannel: boolean;
  /** Knows gatewayAPI.enableAlpn and enableAppProtocol. Older charts ignore both. */
  alpn: boolean;
}

export const ciliumLines: Readonly<Record<string, CiliumLine>> = {
  "1.15": { kubernetes: ["1.26", "1.29"], gatewayApi: ["1.0", "1.1"], experimentalChannel: true, alpn: false },
  "1.16": { kubernetes: ["1.27", "1.30"], gatewayApi: ["1.1", "1.1"], experimentalChannel: true, alpn: true },
  "1.17": { kubernetes: ["1.29", "1.32"], gatewayApi: ["1.1", "1.2"], experimentalChannel: false, alpn: true },
  "1.18": { kubernetes: ["1.30", "1.33"], gatewayApi: ["1.1", "1.2"], experimentalChannel: false, alpn: true },
};

/** Least Kubernetes line of each Longhorn line (kubeVersion in its Chart.yaml); upstream names no upper bound. */
export const longhornMinimum: Readonly<Record<string, string>> = {
  "1.6": "1.21",
  "1.7": "1.21",
  "1.8": "1.25",
  "1.9": "1.25",
};

/** Kubernetes lines that each cert-manager line is tested with (its kind matrix). */
export const certManagerKubernetes: Readonly<Record<string, Span>> = {
  "1.17": ["1.29", "1.32"],
  "1.18": ["1.29", "1.33"],
};

export interface VeleroChart {
  /** Velero's own line. */
  velero: string;
  /** Line of velero-plugin-for-aws that belongs to it (the plugin's README). */
  awsPlugin: string;
}

/** By the chart's major version. */
export const veleroCharts: Readonly<Record<string, VeleroChart>> = {
  "10": { velero: "1.16", awsPlugin: "1.12" },
  "11": { velero: "1.17", awsPlugin: "1.13" },
  "12": { velero: "1.18", awsPlugin: "1.14" },
};

/** They send an empty x-amz-tagging header, and every backup to Backblaze B2 fails (velero-plugin-for-aws #299, #304). */
export const awsPluginsBrokenOnB2: readonly string[] = ["1.14.1", "1.14.2"];

/** Line of the Prometheus operator in each major version of kube-prometheus-stack; its CRDs are installed apart. */
export const operatorOfPrometheusStack: Readonly<Record<string, string>> = { "77": "0.85" };

/**
 * Older ones bring Redis. Newer ones refuse every grant of a provider that a blueprint made without `grant_types`.
 */
export const authentikLines: Span = ["2025.10", "2025.12"];

/** Fixes CVE-2025-54576 and CVE-2026-40575, -34457 and -40574 of the image that chart 7.7.1 would take. */
export const oauth2ProxyMinimum = "v7.15.2";

/** Lines of the remaining charts whose values the components are written for. */
export const writtenFor = {
  csiDriverNfs: ["4.11", "4.11"],
  nvidiaDevicePlugin: ["0.17", "0.17"],
  dcgmExporter: ["4.8", "4.8"],
  loki: ["6.46", "6.46"],
  alloy: ["1.4", "1.5"],
  oauth2Proxy: ["7.7", "7.7"],
} as const satisfies Readonly<Record<string, Span>>;
