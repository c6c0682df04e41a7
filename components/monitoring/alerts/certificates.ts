import type { AlertGroup } from "./alert";

const DAY = 86_400;
/** cert-manager's own namespace label is overwritten by the target's; which one carries the certificate's depends. */
const BY = "max by (name, exported_namespace)";

/** Certificates of the gateway's hosts. cert-manager renews a third before the end: with 90 days, 30 days before. */
export function certificateAlerts(): AlertGroup {
  const daysLeft = `(${BY} (certmanager_certificate_expiration_timestamp_seconds > 0) - time()) / ${DAY}`;
  const summary = 'Certificate {{ $labels.name }} ends in {{ $value | printf "%.0f" }} days';
  return {
    topic: "certificates",
    alerts: [
      {
        name: "CertificateExpiring",
        expr: `${daysLeft} < 20`,
        for: "1h",
        severity: "warning",
        summary,
        description:
          "Renewal has failed for ten days. Does port 80 of the house still reach the gateway? Then " +
          "kubectl get challenges -A.",
      },
      {
        name: "CertificateExpiring",
        expr: `${daysLeft} < 4`,
        for: "15m",
        severity: "critical",
        summary,
        description:
          "Browsers and OIDC logins stop then. Port 80 to the gateway first; then kubectl describe challenge -A.",
      },
      {
        name: "CertificateNotReady",
        expr: `${BY} (certmanager_certificate_ready_status{condition!="True"}) == 1`,
        for: "1h",
        severity: "warning",
        summary: "Certificate {{ $labels.name }} is not ready",
        description: "kubectl get certificates,orders,challenges -A: the last one says what Let's Encrypt saw.",
      },
    ],
  };
}
