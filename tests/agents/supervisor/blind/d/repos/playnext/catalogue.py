import pandas as pd


def read_plays(folder):
    plays = pd.concat([pd.read_csv(f"{folder}/plays_{q}.csv") for q in ("q1", "q2", "q3", "q4")])
    plays["user"] = plays["user_id"].astype("category").cat.codes
    codes = plays["track_id"].astype("category")
    plays["track"] = codes.cat.codes
    return plays[["user", "track", "time"]].reset_index(drop=True), len(codes.cat.categories)


def read_tracks(folder):
    """artist and genre of each played track, in the order of the codes above"""
    played = set()
    for q in ("q1", "q2", "q3", "q4"):
        played.update(pd.read_csv(f"{folder}/plays_{q}.csv")["track_id"])
    return pd.read_csv(f"{folder}/tracks.csv").set_index("track_id").loc[sorted(played)]
