// Starts GraphiQL on the endpoint that this page came from.
const first = `# Queries need a token of POST /oauth/token. Put it under Headers, below:
#
#   { "Authorization": "Bearer ..." }
#
# With the scope persons:pii add { "X-Purpose": "..." } to read personal data.

query Households {
  households(first: 10) {
    edges {
      node {
        id
        areaCode
        caseStatus
      }
    }
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`;

const endpoint = window.location.pathname;

// The schema comes as a file, because introspection needs a token like every other query.
async function start() {
  const text = await (await fetch("/schema.graphql")).text();
  const root = ReactDOM.createRoot(document.getElementById("graphiql"));
  root.render(
    React.createElement(GraphiQL, {
      fetcher: GraphiQL.createFetcher({ url: endpoint }),
      schema: GraphiQL.GraphQL.buildSchema(text),
      defaultQuery: first,
      defaultHeaders: '{\n  "Authorization": "Bearer "\n}',
      defaultEditorToolsVisibility: "headers",
      isHeadersEditorEnabled: true,
      // A token does not belong in the browser's storage.
      shouldPersistHeaders: false,
      inputValueDeprecation: true,
    }),
  );
}

start();
