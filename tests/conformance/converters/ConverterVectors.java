// SPDX-License-Identifier: Apache-2.0
// Writes the vectors of vectors.json: what Kafka Connect's own converters make of data, and what they read back.
// Run with Kafka's jars (tests/peers/kafka/pom.xml brings them), any JDK from 17 on:
//   javac -cp 'libs/*' ConverterVectors.java && java -cp 'libs/*:.' ConverterVectors > vectors.json
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.apache.kafka.connect.data.Date;
import org.apache.kafka.connect.data.Decimal;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.data.Time;
import org.apache.kafka.connect.data.Timestamp;
import org.apache.kafka.connect.data.Values;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.storage.StringConverter;

public class ConverterVectors {
    static final List<String> out = new ArrayList<>();

    static String quote(String s) {
        if (s == null) return "null";
        StringBuilder b = new StringBuilder("\"");
        for (char c : s.toCharArray()) {
            if (c == '"' || c == '\\') b.append('\\').append(c);
            else if (c < 0x20 || c > 0x7e) b.append(String.format("\\u%04x", (int) c));
            else b.append(c);
        }
        return b.append('"').toString();
    }

    static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }

    static JsonConverter json(String... pairs) {
        Map<String, Object> config = new LinkedHashMap<>();
        config.put("converter.type", "value");
        for (int i = 0; i < pairs.length; i += 2) config.put(pairs[i], pairs[i + 1]);
        JsonConverter converter = new JsonConverter();
        converter.configure(config);
        return converter;
    }

    // {"name", "envelope": JsonConverter's bytes, "plain": with schemas.enable=false, "numeric": decimal.format=NUMERIC,
    //  "string": StringConverter's, "header": SimpleHeaderConverter's, "rewritten": envelope read and written again}
    static void data(String name, Schema schema, Object value) {
        Map<String, String> row = new LinkedHashMap<>();
        byte[] envelope = json().fromConnectData("t", schema, value);
        row.put("envelope", text(envelope));
        row.put("plain", text(json("schemas.enable", "false").fromConnectData("t", schema, value)));
        row.put("numeric", text(json("decimal.format", "NUMERIC").fromConnectData("t", schema, value)));
        row.put("nodefault", attempt(() -> text(json("replace.null.with.default", "false").fromConnectData("t", schema, value))));
        StringConverter string = new StringConverter();
        string.configure(Map.of("converter.type", "value"));
        row.put("string", value instanceof byte[] ? "[bytes]" : text(string.fromConnectData("t", schema, value)));
        row.put("header", attempt(() -> text(new SimpleHeaderConverter().fromConnectHeader("t", "h", schema, value))));
        SchemaAndValue back = json().toConnectData("t", envelope);
        row.put("rewritten", text(json().fromConnectData("t", back.schema(), back.value())));
        emit("data", name, row);
    }

    interface Body { String run() throws Exception; }

    static String attempt(Body body) {
        try {
            return body.run();
        } catch (Exception e) {
            return "error: " + e.getMessage();
        }
    }

    // What JsonConverter makes of bytes: written again with a schema, or its error.
    static void read(String name, String bytes, boolean schemas) {
        Map<String, String> row = new LinkedHashMap<>();
        row.put("bytes", bytes);
        row.put("schemas", schemas ? "true" : "false");
        row.put("result", attempt(() -> {
            SchemaAndValue v = json("schemas.enable", schemas ? "true" : "false")
                .toConnectData("t", bytes.getBytes(StandardCharsets.UTF_8));
            return text(json().fromConnectData("t", v.schema(), v.value()));
        }));
        emit("read", name, row);
    }

    // What Values.parseString makes of a header's text.
    static void header(String text) {
        Map<String, String> row = new LinkedHashMap<>();
        row.put("text", text);
        row.put("result", attempt(() -> {
            SchemaAndValue v = Values.parseString(text);
            return text(json().fromConnectData("t", v.schema(), v.value()));
        }));
        emit("header", text, row);
    }

    static void emit(String kind, String name, Map<String, String> row) {
        StringBuilder b = new StringBuilder("  {\"kind\": " + quote(kind) + ", \"name\": " + quote(name));
        for (Map.Entry<String, String> e : row.entrySet()) {
            b.append(",\n   ").append(quote(e.getKey())).append(": ").append(quote(e.getValue()));
        }
        out.add(b.append("}").toString());
    }

    static byte[] bytes(int... values) {
        byte[] b = new byte[values.length];
        for (int i = 0; i < b.length; i++) b[i] = (byte) values[i];
        return b;
    }

    static Schema named(SchemaBuilder b) {
        return b.name("com.example.N").version(7).doc("a \"doc\"").parameter("p", "1").parameter("q", "\u00e9").build();
    }

    static void primitives() {
        data("boolean", Schema.BOOLEAN_SCHEMA, true);
        data("boolean false", Schema.BOOLEAN_SCHEMA, false);
        data("int8", Schema.INT8_SCHEMA, (byte) -128);
        data("int16", Schema.INT16_SCHEMA, (short) 32767);
        data("int32", Schema.INT32_SCHEMA, Integer.MIN_VALUE);
        data("int64", Schema.INT64_SCHEMA, Long.MAX_VALUE);
        data("int64 min", Schema.INT64_SCHEMA, Long.MIN_VALUE);
        for (float f : new float[] {0f, -0f, 1f, 1.5f, 0.1f, 3.4028235e38f, 1.5e-38f, 1e7f, 0.001f, 9.999999e-4f, 16777216f, 123456.79f})
            data("float32 " + f, Schema.FLOAT32_SCHEMA, f);
        for (double d : new double[] {0, -0.0, 1, -1, 0.1, 0.5, 100, 1234567, 9999999, 1e7, 12345678.9, 0.001, 0.00099, 1e-10, 1e21,
            1.7976931348623157e308, 2.2250738585072014e-308, 123.456, 3.141592653589793, 1e16, 4.35, 1e100})
            data("float64 " + d, Schema.FLOAT64_SCHEMA, d);
        data("string", Schema.STRING_SCHEMA, "hello");
        data("string empty", Schema.STRING_SCHEMA, "");
        data("string escapes", Schema.STRING_SCHEMA, "\"\\/\b\f\n\r\t\u0000\u001f\u007f\u0080");
        data("string latin", Schema.STRING_SCHEMA, "caf\u00e9 \u20ac \u2028 \uffff");
        data("string emoji", Schema.STRING_SCHEMA, "a\ud83d\ude00b");
        StringBuilder longText = new StringBuilder();
        for (int i = 0; i < 700; i++) longText.append("line ").append(i).append(i % 50 == 0 ? "\n" : " ").append(i % 90 == 0 ? "\ud83d\ude00" : "");
        data("string long", Schema.STRING_SCHEMA, longText.toString());
        data("bytes", Schema.BYTES_SCHEMA, bytes(0, 1, 2, 253, 254, 255));
        data("bytes empty", Schema.BYTES_SCHEMA, bytes());
        data("bytes one", Schema.BYTES_SCHEMA, bytes(65));
        data("bytes two", Schema.BYTES_SCHEMA, bytes(65, 66));
        data("optional null", Schema.OPTIONAL_STRING_SCHEMA, null);
        data("optional value", Schema.OPTIONAL_INT32_SCHEMA, 5);
        data("named", named(SchemaBuilder.int32()), 5);
        data("default", SchemaBuilder.string().optional().defaultValue("d\"x").build(), null);
        data("default int", SchemaBuilder.int64().defaultValue(7L).build(), 9L);
    }

    static void logical() {
        for (String d : new String[] {"0.00", "1.23", "-1.23", "12345678901234567890.12", "-0.01", "1.28", "-1.28", "0.10"})
            data("decimal " + d, Decimal.schema(2), new BigDecimal(d));
        data("decimal 0 scale", Decimal.schema(0), new BigDecimal("255"));
        data("decimal negative scale", Decimal.schema(-3), new BigDecimal(BigInteger.valueOf(12), -3));
        data("decimal small", Decimal.schema(10), new BigDecimal("0.0000000001"));
        data("decimal zero", Decimal.schema(10), new BigDecimal("0E-10"));
        data("decimal default", Decimal.builder(2).optional().defaultValue(new BigDecimal("9.99")).build(), null);
        data("date", Date.SCHEMA, new java.util.Date(86400000L * 19782));
        data("date before the epoch", Date.SCHEMA, new java.util.Date(-86400000L));
        data("time", Time.SCHEMA, new java.util.Date(45296789L));
        data("timestamp", Timestamp.SCHEMA, new java.util.Date(1709210096789L));
        data("timestamp before the epoch", Timestamp.SCHEMA, new java.util.Date(-1L));
        data("timestamp optional", Timestamp.builder().optional().build(), null);
    }

    static void containers() {
        data("array", SchemaBuilder.array(Schema.INT32_SCHEMA).build(), Arrays.asList(1, 2, 3));
        data("array empty", SchemaBuilder.array(Schema.INT32_SCHEMA).build(), List.of());
        data("array of optional", SchemaBuilder.array(Schema.OPTIONAL_STRING_SCHEMA).build(), Arrays.asList("a", null));
        data("array of arrays", SchemaBuilder.array(SchemaBuilder.array(Schema.BOOLEAN_SCHEMA).build()).optional().build(),
            Arrays.asList(Arrays.asList(true), List.of()));
        data("map of strings", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.INT64_SCHEMA).build(), Map.of("k\"", 1L));
        data("map of ints", SchemaBuilder.map(Schema.INT32_SCHEMA, Schema.STRING_SCHEMA).build(), Map.of(5, "five"));
        data("map empty", SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.STRING_SCHEMA).build(), Map.of());
        data("map of ints empty", SchemaBuilder.map(Schema.INT64_SCHEMA, Schema.STRING_SCHEMA).build(), Map.of());
        data("map named", named(SchemaBuilder.map(Schema.STRING_SCHEMA, Schema.OPTIONAL_STRING_SCHEMA)), java.util.Collections.singletonMap("a", null));
        Schema inner = SchemaBuilder.struct().name("Inner").field("x", Schema.INT8_SCHEMA).field("d", Decimal.schema(1)).optional().build();
        Schema outer = SchemaBuilder.struct().name("Outer").version(2).doc("doc")
            .field("id", Schema.INT64_SCHEMA).field("na\"me", Schema.OPTIONAL_STRING_SCHEMA).field("inner", inner)
            .field("list", SchemaBuilder.array(inner).build()).field("at", Timestamp.SCHEMA)
            .field("def", SchemaBuilder.int32().optional().defaultValue(42).build()).build();
        Struct i = new Struct(inner).put("x", (byte) 1).put("d", new BigDecimal("2.5"));
        data("struct", outer, new Struct(outer).put("id", 1L).put("na\"me", "n").put("inner", i)
            .put("list", Arrays.asList(i, i)).put("at", new java.util.Date(0)).put("def", 1));
        data("struct of nulls", outer, new Struct(outer).put("id", 1L).put("list", List.of()).put("at", new java.util.Date(5)));
        data("struct empty", SchemaBuilder.struct().build(), new Struct(SchemaBuilder.struct().build()));
        data("struct optional null", inner, null);
        data("array default", SchemaBuilder.array(Schema.INT32_SCHEMA).optional().defaultValue(Arrays.asList(1, 2)).build(), null);
    }

    static void schemaless() {
        data("schemaless string", null, "x");
        data("schemaless long", null, 5L);
        data("schemaless double", null, 5.0);
        data("schemaless boolean", null, true);
        data("schemaless bytes", null, bytes(1, 2));
        data("schemaless list", null, Arrays.asList(1L, "a", null, 2.5, true));
        data("schemaless map", null, Map.of("a", Arrays.asList(Map.of("b", 1L))));
        data("schemaless map of longs", null, Map.of(1L, "a"));
    }

    static void reading() {
        read("spaces and order", " { \"payload\" : \"x\" , \"schema\" : { \"optional\" : true , \"type\" : \"string\" } } ", true);
        read("null schema", "{\"schema\":null,\"payload\":{\"a\":[1,2.5,null,true,\"x\"]}}", true);
        read("escapes", "{\"schema\":{\"type\":\"string\"},\"payload\":\"\\u00e9\\ud83d\\ude00\\/\\b\"}", true);
        read("no envelope", "{\"a\":1}", true);
        read("three fields", "{\"schema\":null,\"payload\":1,\"x\":1}", true);
        read("not an object", "[1]", true);
        read("unknown type", "{\"schema\":{\"type\":\"int128\"},\"payload\":1}", true);
        read("no type", "{\"schema\":{},\"payload\":1}", true);
        read("no items", "{\"schema\":{\"type\":\"array\"},\"payload\":[]}", true);
        read("no keys", "{\"schema\":{\"type\":\"map\",\"values\":{\"type\":\"int8\"}},\"payload\":{}}", true);
        read("no values", "{\"schema\":{\"type\":\"map\",\"keys\":{\"type\":\"int8\"}},\"payload\":{}}", true);
        read("no fields", "{\"schema\":{\"type\":\"struct\"},\"payload\":{}}", true);
        read("nameless field", "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\"}]},\"payload\":{}}", true);
        read("parameters", "{\"schema\":{\"type\":\"int8\",\"parameters\":{\"a\":1}},\"payload\":1}", true);
        read("missing field with default", "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\",\"field\":\"a\",\"default\":3}]},\"payload\":{}}", true);
        read("missing optional field", "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\",\"field\":\"a\",\"optional\":true}]},\"payload\":{\"z\":1}}", true);
        read("required null", "{\"schema\":{\"type\":\"int8\"},\"payload\":null}", true);
        read("map as list", "{\"schema\":{\"type\":\"map\",\"keys\":{\"type\":\"string\"},\"values\":{\"type\":\"int8\"}},\"payload\":[]}", true);
        read("map of ints as object", "{\"schema\":{\"type\":\"map\",\"keys\":{\"type\":\"int8\"},\"values\":{\"type\":\"int8\"}},\"payload\":{}}", true);
        read("map entry no list", "{\"schema\":{\"type\":\"map\",\"keys\":{\"type\":\"int8\"},\"values\":{\"type\":\"int8\"}},\"payload\":[5]}", true);
        read("map entry of three", "{\"schema\":{\"type\":\"map\",\"keys\":{\"type\":\"int8\"},\"values\":{\"type\":\"int8\"}},\"payload\":[[1,2,3]]}", true);
        read("struct as list", "{\"schema\":{\"type\":\"struct\",\"fields\":[]},\"payload\":[]}", true);
        read("date as text", "{\"schema\":{\"type\":\"int32\",\"name\":\"org.apache.kafka.connect.data.Date\",\"version\":1},\"payload\":\"x\"}", true);
        read("decimal as boolean", "{\"schema\":{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"}},\"payload\":true}", true);
        read("decimal as number", "{\"schema\":{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":1,\"parameters\":{\"scale\":\"2\"}},\"payload\":12.34}", true);
        read("float of an integer", "{\"schema\":{\"type\":\"double\"},\"payload\":3}", true);
        read("integer of a whole float", "{\"schema\":{\"type\":\"int32\"},\"payload\":3.0}", true);
        read("empty", "", false);
        read("plain", "{\"b\":1}", false);
        read("plain null", "null", false);
        read("plain number", "-1.5e3", false);
        read("equal keys", "{\"a\":1,\"a\":2}", false);
    }

    static void headers() {
        for (String s : new String[] {"", " ", "null", "true", "false", "TRUE", "0", "127", "128", "-129", "32768", "2147483648", "9223372036854775807",
            "9223372036854775808", "1.0", "1.5", "-2.25", "+3", "1e3", "1e40", "1.5e300", ".5", "-.5", "5.", "1_000", "12abc", "NaN", "0x10",
            "2024-02-29", "10:20:30.400Z", "2024-02-29T10:20:30.400Z", "hello world", "a,b", "[]", "{}", "[1,2,3]", "[1, 2.5]", "[true,false]",
            "[\"a\",\"b\"]", "[300, 1]", "{\"a\":1,\"b\":2}", "{\"a\":\"x\"}", "[1", "{\"a\"}", "[1,]", "true}", "\"quoted\"", " 5 "})
            header(s);
    }

    public static void main(String[] args) {
        java.util.TimeZone.setDefault(java.util.TimeZone.getTimeZone("UTC"));
        primitives();
        logical();
        containers();
        schemaless();
        reading();
        headers();
        System.out.println("[\n" + String.join(",\n", out) + "\n]");
    }
}
