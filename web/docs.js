// Starts Swagger UI on the description of the API. A file of its own: the page's policy forbids inline scripts.

globalThis.SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  showExtensions: true,
  showCommonExtensions: true,
});
