# Stands for your own MCP server: any image that serves Streamable HTTP on port 9090.
ARG NODE_IMAGE=node:26-slim
FROM ${NODE_IMAGE}
RUN npm install --global --ignore-scripts @modelcontextprotocol/server-everything@2026.8.31
USER 65532:65532
ENV PORT=9090
CMD ["mcp-server-everything", "streamableHttp"]
