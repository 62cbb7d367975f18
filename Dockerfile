# The broker with the game's page. Build and run:
#   docker build -t volley . && docker run -p 8080:8080 volley
FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# Not `npm ci`: that one refuses a lock file without the optional binaries of every other platform.
RUN npm install --no-audit --no-fund
COPY tsconfig.json ./
COPY netcode netcode
COPY game game
COPY peer-server peer-server
# What only builds is left behind.
RUN npm run build && npm prune --omit=dev --no-audit --no-fund

FROM node:20-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 8080
# Alive, not ready: a broker that waits for its store must not be killed for it.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.PORT || 8080) + '/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Not npm: signals must reach the broker itself, which then sends its clients elsewhere.
CMD ["node", "dist/server/peer-server/main.js"]
