// For an Apache Gremlin Server with a TinkerGraph: name this file in the server's `scriptEngines`, under
// ScriptFileGremlinPlugin, after the script that makes `g`. TinkerGraph's indexes are by property alone,
// not by label. Declaring one again changes nothing; one that is declared late takes in what is there.
// They serve the first has(..) after g.V(): the partition, the times of windows, and who holds an account.
["pk", "startDate", "date", "userId", "creatorId"].each { key ->
    if (!graph.getIndexedKeys(Vertex.class).contains(key)) {
        graph.createIndex(key, Vertex.class)
    }
}
