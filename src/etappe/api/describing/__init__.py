"""What OpenAPI says beyond what Litestar finds out itself."""
