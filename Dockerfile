# Obex in a container: Node without symbols, the system libraries it loads, and the release bundle. No shell, no package
# manager. The build asks the npm registry and nothing else; NODE_IMAGE is a Debian with Node, npm and libatomic1.
ARG NODE_IMAGE=node:26-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY LICENSE ./
COPY scripts scripts
COPY src src
# The Node of package-lock.json, whichever the build image brings.
ENV PATH=/build/node_modules/.bin:$PATH
RUN node scripts/image-root.ts /image

# `docker build --target dev-idp`: an IdP for trying things out, which logs everybody in. Not for production.
FROM build AS dev-idp
USER 65532:65532
EXPOSE 9000
CMD ["node", "--disable-sigusr1", "scripts/dev-idp.ts"]

FROM scratch
COPY --from=build /image/runtime /
COPY --from=build /image/product /
# Empty: a volume here belongs to the user of Obex.
COPY --from=build --chown=65532:65532 /image/state /var/lib/obex
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="obex" \
      org.opencontainers.image.description="A sidecar reverse proxy that makes any MCP server an OAuth 2.1 protected resource" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
EXPOSE 8443
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/obex", "--health-probe"]
ENTRYPOINT ["/obex"]
