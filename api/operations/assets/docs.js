// Starts Swagger UI on this service's own description.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  // It would name, and ask, a host that is not this one.
  validatorUrl: null,
  // A link with ?url= must not make this page show somebody else's description.
  queryConfigEnabled: false,
  persistAuthorization: false,
  presets: [SwaggerUIBundle.presets.apis],
});
