/**
 * B2 Application Key (B2_APPLICATION_KEY env).
 */
export declare const applicationKey: string | undefined;
/**
 * B2 Application Key ID (B2_APPLICATION_KEY_ID env).
 */
export declare const applicationKeyId: string | undefined;
/**
 * B2 endpoint - the string 'production' or a custom B2 API URL (B2_ENDPOINT env). You should not need to set this unless you work at Backblaze. Defaults to <span pulumi-lang-nodejs="`production`" pulumi-lang-dotnet="`Production`" pulumi-lang-go="`production`" pulumi-lang-python="`production`" pulumi-lang-yaml="`production`" pulumi-lang-java="`production`" pulumi-lang-hcl="`production`">`production`</span>.
 */
export declare const endpoint: string | undefined;
