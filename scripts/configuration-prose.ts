/** The part of docs/configuration.md that people write; the tables are made from the schema. */

export const BEFORE_TABLES = `# Configuration

<!-- Generated from src/config by scripts/write-configuration-docs.ts: change those and run it again. -->

Obex reads one YAML file: the one named by \`--config\`, else by \`$OBEX_CONFIG\` (a file that is named and missing is an
error), else \`/etc/obex/obex.yaml\`, else \`./obex.yaml\`. [Flags](operations.md#without-a-file) go over it, or
stand in its place. \`obex check --config FILE\` prints every problem with line, path and
cure, or the effective config with secrets masked, its phase and warnings; the last line is the verdict. With \`--strict\`
warnings end with exit code 1 too. \`obex schema\` prints a JSON Schema for editors.

The least that runs. It is **phase 1**: it forwards, hides the backend, and authenticates nobody.

\`\`\`yaml
obex:
  public_url: "https://my-tool.example.com"
  listen: "127.0.0.1:8443"
backend:
  url: "http://localhost:9090"
resource:
  url: "https://my-tool.example.com/mcp"
\`\`\`

With \`idp\` it is **phase 2**: every request needs a token that this issuer has signed for this resource.

\`\`\`yaml
obex:
  public_url: "https://my-tool.example.com"
  tls:
    enabled: true
    cert_file: "/etc/obex/certs/server.crt"
    key_file: "/etc/obex/certs/server.key"
backend:
  url: "http://mcp-server:3000"
  headers:
    Authorization: "Bearer \${MY_SECRET}"
    X-API-Key_file: "/run/secrets/api_key"
limits:
  rate_limit: { requests_per_second: 100, burst: 200 }
resource:
  url: "https://my-tool.example.com/mcp"
  scopes_supported: [mcp:read, mcp:write]
idp:
  issuer: "https://auth.your-company.com/"
  jwks_uri: "https://auth.your-company.com/.well-known/jwks.json"
  additional_issuers:
    - issuer: "https://your-tenant.okta.com/oauth2/your-auth-server"
      accepted_algorithms: [RS256]
authz:
  required_scopes: [mcp:read]
\`\`\`

## Layout

Sections stand at the top level, as above, or nested under \`obex:\`. A section in both places is an error, and so is an
unknown key. A section without keys (\`cors:\` and nothing below) means its defaults, except \`idp\` and \`login\`: empty ones
are errors, since they must not pass for absent ones.

\`\`\`yaml
obex:
  public_url: "https://my-tool.example.com"
  backend:
    url: "http://localhost:9090"
  resource:
    url: "https://my-tool.example.com/mcp"
  idp:
    issuer: "https://auth.your-company.com/"
\`\`\`

The file is YAML 1.2 (\`yes\` and \`on\` are plain text, write \`true\`), one document of at most 1 MiB, without duplicate keys
and custom tags. Anchors and aliases work.

## Units

|          | written                                |                                                                                                    |
| -------- | -------------------------------------- | -------------------------------------------------------------------------------------------------- |
| duration | \`"10s"\`, \`"1m30s"\`, \`"250ms"\`, \`"30d"\` | whole numbers with \`d\`, \`h\`, \`m\`, \`s\`, \`ms\`, the largest first                                     |
| size     | \`"4MB"\`, \`"4MiB"\`                      | a whole number with \`B\`, \`KB\`, \`MB\`, \`GB\` (powers of 1000) or \`KiB\`, \`MiB\`, \`GiB\` (powers of 1024) |

## Precedence

1. A flag: \`--set KEY=VALUE\` and [its like](operations.md#without-a-file).
2. An \`OBEX_*\` environment variable (the table below names the one of each value).
3. The file, its \`\${VAR}\` expanded.
4. The default.

**\`\${VAR}\` in the file.** \`\${VAR}\` and \`\${VAR:-default}\` expand in text values, in lists too, never in keys. They expand after
the YAML is read, so a variable cannot add keys, whatever it holds; text that a variable brings is good for numbers and
\`true\`/\`false\` as well. A variable that is missing or empty is an error, unless there is a default, which then is used in both
cases (\`\${VAR:-}\` = may be empty). Where a list belongs, one text may name its values with commas between them:
\`accepted_algorithms: "\${ALGORITHMS:-RS256,ES256}"\`. \`$\${\` is a literal \`\${\`.

**\`OBEX_*\` variables** are \`OBEX_\` and the path in capitals with \`_\` for each dot; \`obex.\` is left out: \`OBEX_LISTEN\`,
\`OBEX_BACKEND_URL\`. They set single values, not lists and maps: a variable named after one of those is an error. So is an
empty variable: ignoring it could start Obex with less protection than was meant. An unknown \`OBEX_*\` variable is warned about
and ignored; \`OBEX_SERVICE_*\` and \`OBEX_PORT*\`, which Kubernetes injects, are ignored in silence.

## Phases

| in the config                  | phase |                                                                                |
| ------------------------------ | ----- | ------------------------------------------------------------------------------ |
| neither \`idp\` nor \`login\`      | 1     | authenticates nobody, and says so at start and in \`obex check\`                 |
| \`idp\` or \`login\`               | 2     | verifies bearer tokens                                                         |
| that, and \`dpop.enabled: true\` | 3     | verifies DPoP proofs too |

With \`login\` Obex issues the tokens itself ([login.md](login.md)). \`authz\` and \`dpop\` without \`idp\` or \`login\` are errors. Flags and the environment can raise the phase (\`OBEX_IDP_ISSUER\` without an \`idp\` in the
file makes it phase 2) but never lower it: nothing there takes \`idp\` or \`login\` away, and \`OBEX_DPOP_ENABLED=false\` over a file that enables
it is an error.

## Secrets

The values marked _secret_ can be read from a file: write \`<key>_file: PATH\` instead of \`<key>\` (both = error), or set
\`OBEX_…_FILE\`. In \`backend.headers\` this holds for every header: \`Authorization_file: /run/secrets/backend\`. Line ends that
close the file are dropped, and \`\${VAR}\` in it is not expanded. A relative path starts at the working directory.
\`obex check\` masks secrets, and no problem quotes a secret or anything that came from a variable or file.

## Keys

Of the sections only \`obex\`, \`backend\` and \`resource\` are needed. **required** = wherever its section is present.
`;
